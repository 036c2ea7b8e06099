import { CancelledError, RemoteError, SluiceError } from '../spi/index.js';

/**
 * DuckDB's Node binding throws plain errors whose text starts with the exception class ("Out of Memory Error: …").
 * That prefix is the only code there is; it is read here and nowhere else (contract: test/duckdb/engine-errors.test.ts).
 */
export type EngineErrorKind =
  'out-of-memory' | 'interrupted' | 'io' | 'binder' | 'parser' | 'catalog' | 'conversion' | 'invalid-input' | 'permission' | 'internal' | 'other';

const PREFIXES: readonly (readonly [string, EngineErrorKind])[] = [
  ['Out of Memory Error', 'out-of-memory'],
  ['INTERRUPT Error', 'interrupted'],
  ['IO Error', 'io'],
  ['Binder Error', 'binder'],
  ['Parser Error', 'parser'],
  ['Syntax Error', 'parser'],
  ['Catalog Error', 'catalog'],
  // A field of a file that is not of the type it is read as.
  ['Conversion Error: CSV Error', 'invalid-input'],
  ['Conversion Error', 'conversion'],
  ['Invalid Input Error', 'invalid-input'],
  ['Permission Error', 'permission'],
  ['INTERNAL Error', 'internal'],
];

export function engineErrorKind(error: unknown): EngineErrorKind {
  const text = error instanceof Error ? error.message : String(error);
  return PREFIXES.find(([prefix]) => text.startsWith(prefix))?.[1] ?? 'other';
}

/** Wraps an error of a trusted statement (one we built); `doing` is a gerund. Errors of ours pass through. */
export function engineError(error: unknown, doing: string): Error {
  if (error instanceof SluiceError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const kind = engineErrorKind(error);
  switch (kind) {
    case 'out-of-memory':
      return new RemoteError({
        code: 'OUT_OF_MEMORY',
        message: `${doing}: ${text}`,
        hint: 'raise exec.memory_limit, or lower exec.max_threads',
        retryable: false,
        cause: error,
      });
    case 'interrupted':
      return new CancelledError({ code: 'INTERRUPTED', message: `${doing}: the statement was interrupted`, cause: error });
    case 'io':
      if (text.includes('No space left on device')) {
        return new RemoteError({
          code: 'DISK_FULL',
          message: `${doing}: ${text}`,
          hint: 'free disk space where the storage and exec.temp_dir are, then run again: finished tasks are kept',
          retryable: false,
          cause: error,
        });
      }
      return new RemoteError({
        code: 'ENGINE_IO',
        message: `${doing}: ${text}`,
        hint: 'check disk space, permissions and that the file still exists',
        retryable: false,
        cause: error,
      });
    case 'binder':
    case 'parser':
    case 'catalog':
    case 'conversion':
    case 'invalid-input':
    case 'permission':
    case 'internal':
    case 'other':
      return new RemoteError({ code: 'ENGINE_FAILED', message: `${doing}: ${text}`, retryable: false, cause: error });
  }
}
