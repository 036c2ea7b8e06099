import { RemoteError, SluiceError } from '../core/spi/index.js';

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;

interface Kind {
  readonly code: string;
  readonly retryable: boolean;
  readonly hint: string;
}

const KINDS: Readonly<Record<number, Kind>> = {
  [BUSY]: {
    code: 'METASTORE_BUSY',
    retryable: true,
    hint: 'another process holds the database for very long; end it, or use a PostgreSQL metastore for many writers',
  },
  [LOCKED]: { code: 'METASTORE_BUSY', retryable: true, hint: 'another connection holds the database; try again' },
  3: { code: 'METASTORE_UNAVAILABLE', retryable: false, hint: 'check the permissions of the database file and its folder' },
  8: { code: 'METASTORE_UNAVAILABLE', retryable: false, hint: 'the database file or its folder is read-only; make both writable' },
  10: { code: 'METASTORE_UNAVAILABLE', retryable: true, hint: 'the disk or network share failed; check it and try again' },
  11: { code: 'METASTORE_CORRUPT', retryable: false, hint: 'restore the file from a backup; table data in the storage is not affected' },
  13: { code: 'DISK_FULL', retryable: false, hint: 'free space on the disk of the metastore' },
  14: { code: 'METASTORE_UNAVAILABLE', retryable: false, hint: 'check that the path is a file in a writable folder' },
  23: { code: 'METASTORE_UNAVAILABLE', retryable: false, hint: 'check the permissions of the database file and its folder' },
  26: { code: 'METASTORE_CORRUPT', retryable: false, hint: 'the file is no SQLite database; name another path, or restore it from a backup' },
};

/** The primary result code, or undefined for anything that is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  const raw = (error as { rawCode?: unknown } | null)?.rawCode;
  return typeof raw === 'number' ? raw & 0xff : undefined;
}

/** Whether somebody else has the lock, so that the same statement may succeed a little later. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** SQLite's error as ours. Anything else is returned as it is. */
export function sqliteError(error: unknown, file: string): unknown {
  if (error instanceof SluiceError) return error;
  const code = resultCode(error);
  if (code === undefined) return error;
  const kind = KINDS[code] ?? {
    code: 'METASTORE_FAILED',
    retryable: false,
    hint: 'run again; if it stays, check the file with `PRAGMA integrity_check`',
  };
  return new RemoteError({ ...kind, message: `metastore ${file}: ${(error as Error).message}`, cause: error });
}

/** libsql reports a failed open without a code; the folder and the file were checked before, so it is the path itself. */
export function sqliteOpenError(error: unknown, file: string): unknown {
  const known = sqliteError(error, file);
  if (known !== error || error instanceof SluiceError) return known;
  const detail = error instanceof Error ? error.message : String(error);
  return new RemoteError({
    code: 'METASTORE_UNAVAILABLE',
    message: `metastore ${file}: opening the database: ${detail}`,
    retryable: false,
    hint: 'check that the path is a file in a writable folder',
    cause: error,
  });
}
