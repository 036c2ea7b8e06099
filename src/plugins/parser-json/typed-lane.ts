import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { fileSystemError, type ParserFile, type TaskContext } from '../../core/spi/index.js';
import type { JsonColumn, JsonLayout } from './config.js';
import type { ScannedFile } from './native-lane.js';
import { KINDS, PlainLines, type PlainKey } from './plain-lines.js';

const READ_BYTES = 1 << 20;
/** A line may be as long as what is read at once; one more byte for a last newline that is missing. */
const ROOM_BYTES = 2 * READ_BYTES + 1;
const NEWLINE = 10;
const MAX_KEYS = 1000;

/** What DuckDB's reader is told of one key. */
export interface TypedKey {
  readonly name: string;
  readonly type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN';
}

export interface TypedShape {
  /** Keys of the columns. */
  readonly wanted: readonly TypedKey[];
  /** All keys that a plain line may have, in their order. */
  readonly keys: readonly PlainKey[];
}

/**
 * How files of these key lists can be read by DuckDB's typed reader, which parses a line once and gives numbers as such. It rounds,
 * and confuses keys that differ by case, so that every line must be a plain one; undefined: no file of this layout can be read so.
 */
export function typedShape(layout: JsonLayout, keyLists: readonly (readonly string[])[]): TypedShape | undefined {
  const types = new Map<string, TypedKey['type']>();
  for (const column of layout.columns) {
    const type = typeOf(column);
    const [key, ...below] = column.path;
    if (type === undefined || key === undefined || below.length > 0 || (types.get(key) ?? type) !== type) return undefined;
    types.set(key, type);
  }
  const names = mergeLists(keyLists);
  if (types.size === 0 || names.length === 0 || names.length > MAX_KEYS || !names.every((name) => /^[ !#-[\]-~]+$/.test(name))) return undefined;
  const all = new Set([...types.keys(), ...names]);
  if (new Set([...all].map((name) => name.toLowerCase())).size !== all.size) return undefined;
  return {
    wanted: [...types].map(([name, type]) => ({ name, type })),
    keys: names.map((name) => ({ name, kinds: kindsOf(types.get(name)) })),
  };
}

/** Decimals need their digits, and json columns their text. */
function typeOf({ type, rule }: JsonColumn): TypedKey['type'] | undefined {
  if (type === 'long') return 'BIGINT';
  if (type === 'double') return 'DOUBLE';
  if (type === 'boolean') return 'BOOLEAN';
  return rule === 'string' || rule === 'time' ? 'VARCHAR' : undefined;
}

function kindsOf(type: TypedKey['type'] | undefined): number {
  switch (type) {
    case undefined:
      return KINDS.scalar;
    case 'VARCHAR':
      return KINDS.string;
    case 'BIGINT':
      return KINDS.integer;
    case 'DOUBLE':
      return KINDS.real;
    case 'BOOLEAN':
      return KINDS.boolean;
  }
}

/** One order of all keys; a list that contradicts it has lines that are not plain. */
function mergeLists(lists: readonly (readonly string[])[]): string[] {
  const merged: string[] = [];
  for (const list of lists) {
    let at = 0;
    for (const key of list) {
      const known = merged.indexOf(key);
      if (known < 0) merged.splice(at++, 0, key);
      else at = known + 1;
    }
  }
  return merged;
}

/** Whether the whole lines of a sample are plain. */
export function isPlainSample(shape: TypedShape, sample: Buffer): boolean {
  const end = sample.lastIndexOf(NEWLINE) + 1;
  if (end === 0) return false;
  const plain = new PlainLines(shape.keys, end);
  sample.copy(plain.room, 0, 0, end);
  return isUtf8(plain.room) && plain.holds(end);
}

/** Hashes the files and counts their lines; undefined as soon as one is not plain. */
export async function scanPlainFiles(files: readonly ParserFile[], shape: TypedShape, { signal }: TaskContext): Promise<ScannedFile[] | undefined> {
  const plain = new PlainLines(shape.keys, ROOM_BYTES);
  const scanned: ScannedFile[] = [];
  for (const file of files) {
    const before = plain.lines;
    const fact = await scanPlainFile(file, plain, signal);
    if (!fact) return undefined;
    scanned.push({ fact: { source: file.name, ...fact }, lines: plain.lines - before, longestLine: 0 });
  }
  return scanned;
}

async function scanPlainFile(
  file: ParserFile,
  plain: PlainLines,
  signal: AbortSignal,
): Promise<{ readonly hash: string; readonly bytes: number } | undefined> {
  const { room } = plain;
  const path = file.path as string;
  const hash = createHash('sha256');
  let bytes = 0;
  let rest = 0;
  try {
    const handle = await open(path, 'r');
    try {
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await handle.read(room, rest, READ_BYTES, null);
        if (bytesRead === 0) break;
        hash.update(room.subarray(rest, rest + bytesRead));
        bytes += bytesRead;
        const filled = rest + bytesRead;
        const end = room.lastIndexOf(NEWLINE, filled - 1) + 1;
        if (!isUtf8(room.subarray(0, end)) || !plain.holds(end)) return undefined;
        rest = filled - end;
        if (rest > READ_BYTES) return undefined;
        room.copyWithin(0, end, filled);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
  if (rest > 0) {
    room[rest] = NEWLINE;
    if (!isUtf8(room.subarray(0, rest)) || !plain.holds(rest + 1)) return undefined;
  }
  return { hash: `sha256:${hash.digest('hex')}`, bytes };
}
