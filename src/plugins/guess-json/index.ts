import { defineGuess, type GuessColumn, type GuessNote, type JsonObject } from '../../core/spi/index.js';
import { guessSchema } from '../shared/guess-decoder.js';
import { makeColumnNames } from '../shared/guess-names.js';
import {
  elementsOf,
  followPointer,
  kindOf,
  membersOf,
  parsePointer,
  scanValue,
  skipSpace,
  stringOf,
  textOf,
  type JsonKind,
  type JsonSlice,
} from '../shared/json-scanner.js';

export default defineGuess({
  kind: 'guess',
  type: 'json',
  summary: 'Finds out that the data is JSON, and lists the keys of its objects as columns.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 50,
  guess(config, sample) {
    const parser = config['parser'] as JsonObject | undefined;
    if (parser?.['columns'] !== undefined || (parser?.['type'] !== undefined && parser['type'] !== 'json')) return Promise.resolve(undefined);
    const bytes = Buffer.from(sample.bytes);
    const root = typeof parser?.['root'] === 'string' ? parsePointer(parser['root']) : [];
    const found = readRecords(bytes);
    const records = { ...found, objects: root === undefined ? [] : objectsAt(bytes, found.objects, root) };
    if (records.objects.length === 0) return Promise.resolve(undefined);
    const notes: GuessNote[] = [{ path: 'parser.type', text: `${records.objects.length} JSON objects at the start of the data` }];
    if (records.inArray) notes.push({ path: 'parser.flatten_json_array', text: 'the data is an array of objects' });
    return Promise.resolve({
      in: { parser: { type: 'json', ...(records.inArray ? { flatten_json_array: true } : {}) } },
      columns: readColumns(bytes, records.objects),
      notes,
      warnings: [],
    });
  },
});

/** Whole objects at the start of the sample; a last one that the sample cut off is left out. */
function readRecords(bytes: Buffer): { objects: JsonSlice[]; inArray: boolean } {
  const objects: JsonSlice[] = [];
  let at = skipSpace(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0, bytes.length);
  const inArray = bytes[at] === 0x5b;
  if (inArray) {
    const whole = scanValue(bytes, at, bytes.length);
    if (whole.kind === 'value')
      return { objects: [...elementsOf(bytes, { start: at, end: whole.end })].filter((e) => kindOf(bytes, e.start) === 'object'), inArray };
    at = skipSpace(bytes, at + 1, bytes.length);
  }
  while (bytes[at] === 0x7b) {
    const value = scanValue(bytes, at, bytes.length);
    if (value.kind !== 'value') break;
    objects.push({ start: at, end: value.end });
    at = skipSpace(bytes, value.end, bytes.length);
    if (inArray && bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
  }
  return { objects, inArray };
}

/** What `root` leads to in each record: objects, or those in an array. */
function objectsAt(bytes: Buffer, records: readonly JsonSlice[], root: readonly string[]): JsonSlice[] {
  if (root.length === 0) return [...records];
  return records
    .flatMap((record) => {
      const value = followPointer(bytes, record, root);
      if (value === undefined) return [];
      return kindOf(bytes, value.start) === 'array' ? [...elementsOf(bytes, value)] : [value];
    })
    .filter((value) => kindOf(bytes, value.start) === 'object');
}

interface Gathered {
  readonly key: string;
  readonly kinds: Set<JsonKind>;
  readonly values: (string | null)[];
}

function readColumns(bytes: Buffer, objects: readonly JsonSlice[]): GuessColumn[] {
  const gathered = new Map<string, Gathered>();
  objects.forEach((object, row) => {
    for (const { key, value } of membersOf(bytes, object)) {
      let column = gathered.get(key);
      if (!column) gathered.set(key, (column = { key, kinds: new Set(), values: [] }));
      const kind = kindOf(bytes, value.start);
      while (column.values.length < row) column.values.push(null);
      if (kind !== 'null') column.kinds.add(kind);
      column.values[row] = kind === 'null' ? null : kind === 'string' ? stringOf(bytes, value) : textOf(bytes, value);
    }
  });
  const columns = [...gathered.values()];
  const names = makeColumnNames(columns.map((c) => c.key));
  return columns.map((column, i) => ({
    name: names[i] as string,
    kind: commonKind(column.kinds),
    values: column.values,
    ...(names[i] === column.key ? {} : { extra: { element_at: `/${column.key.replaceAll('~', '~0').replaceAll('/', '~1')}` } }),
  }));
}

function commonKind(kinds: ReadonlySet<JsonKind>): GuessColumn['kind'] {
  const [only] = kinds;
  return kinds.size === 1 && (only === 'number' || only === 'string' || only === 'boolean') ? only : 'json';
}
