import { DataError, type FileFact, type JsonObject, type JsonValue, type SourceFile } from '../spi/index.js';

/** What the state knows of a loaded file. */
export interface LoadedFile {
  readonly size: number;
  readonly modified?: number;
  readonly version?: string;
  readonly hash?: string;
}

/** State of file-like inputs: every loaded file's identity, and what the parser remembers of the first one. */
export interface FileState {
  readonly files: ReadonlyMap<string, LoadedFile>;
  readonly memory: JsonObject | undefined;
  /** Embulk's form of state: names up to this one count as loaded. */
  readonly lastPath: string | undefined;
}

const EMPTY: FileState = { files: new Map(), memory: undefined, lastPath: undefined };

export function readFileState(state: JsonValue | undefined): FileState {
  if (state === undefined || state === null) return EMPTY;
  if (typeof state !== 'object' || Array.isArray(state)) throw badState(state);
  const object = state as JsonObject;
  const embulk = object['in'] as JsonObject | undefined;
  const lastPath = (embulk?.['last_path'] ?? object['last_path']) as string | undefined;
  const files = new Map<string, LoadedFile>();
  for (const [name, value] of Object.entries((object['files'] ?? {}) as JsonObject)) files.set(name, value as unknown as LoadedFile);
  return { files, memory: object['memory'] as JsonObject | undefined, lastPath: typeof lastPath === 'string' ? lastPath : undefined };
}

function badState(state: JsonValue): DataError {
  return new DataError({
    code: 'STATE_INVALID',
    message: `the stored state is not one of a file input: ${JSON.stringify(state).slice(0, 80)}`,
    hint: 'look at it with `sluice state show`; `sluice state set` stores a right one',
  });
}

/** The state after a run: the old files, plus those read now with the hash of what was read. */
export function nextFileState(
  old: FileState,
  read: readonly { readonly file: SourceFile; readonly fact: FileFact | undefined }[],
  seen: readonly SourceFile[],
  memory: JsonObject | undefined,
): JsonValue {
  const files = new Map<string, JsonObject>();
  for (const [name, loaded] of old.files) files.set(name, { ...loaded });
  // Same content under a new mtime: remember it, so that the next run need not hash it again.
  for (const file of seen) files.set(file.name, identityOf(file, old.files.get(file.name)?.hash));
  for (const { file, fact } of read) files.set(file.name, identityOf(file, fact?.hash));
  return { files: Object.fromEntries(files), ...(memory ? { memory } : {}), ...(old.lastPath === undefined ? {} : { last_path: old.lastPath }) };
}

function identityOf(file: SourceFile, hash: string | undefined): JsonObject {
  return {
    size: file.size,
    ...(file.modified === undefined ? {} : { modified: file.modified }),
    ...(file.version === undefined ? {} : { version: file.version }),
    ...(hash === undefined ? {} : { hash }),
  };
}
