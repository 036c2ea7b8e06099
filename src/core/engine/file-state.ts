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

/** Errors: DataError STATE_INVALID. What is not understood would count as nothing loaded, and everything would be loaded once more. */
export function readFileState(state: JsonValue | undefined): FileState {
  if (state === undefined || state === null) return EMPTY;
  const { files = {}, memory, last_path: own, in: embulk = {}, out: _, ...others } = objectOf(state, 'the state');
  const { last_path: embulks, ...more } = objectOf(embulk, 'in');
  const [unknown] = Object.keys({ ...others, ...more });
  if (unknown !== undefined) throw badState(`"${unknown}" is no part of it`);
  const lastPath = embulks ?? own ?? undefined;
  if (lastPath !== undefined && typeof lastPath !== 'string') throw badState(`last_path: expected text, found ${shown(lastPath)}`);
  return {
    files: new Map(Object.entries(objectOf(files, 'files')).map(([name, file]) => [name, readLoaded(name, file)])),
    memory: memory === undefined ? undefined : objectOf(memory, 'memory'),
    lastPath,
  };
}

function readLoaded(name: string, value: JsonValue): LoadedFile {
  const file = objectOf(value, `files: ${name}`);
  const { size, modified, version, hash } = file;
  if (typeof size !== 'number') throw badState(`files: ${name}: size: expected a number, found ${shown(size)}`);
  if (modified !== undefined && typeof modified !== 'number') throw badState(`files: ${name}: modified: expected a number, found ${shown(modified)}`);
  for (const [key, text] of Object.entries({ version, hash }))
    if (text !== undefined && typeof text !== 'string') throw badState(`files: ${name}: ${key}: expected text, found ${shown(text)}`);
  return file as unknown as LoadedFile;
}

function objectOf(value: JsonValue, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw badState(`${what}: expected a mapping, found ${shown(value)}`);
}

function shown(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

function badState(why: string): DataError {
  return new DataError({
    code: 'STATE_INVALID',
    message: `the stored state is not one of a file input: ${why}`,
    hint: 'look at it with `sluice state show`; `sluice state set` stores a right one, `sluice state reset` begins anew',
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
