import type { ConfigPlace, ParserFile, Reading, SourceColumn, TaskContext } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { parsePointer } from '../shared/json-scanner.js';
import { openSpooledRecords, type RecordOutcome, type SourceRecord } from '../shared/spooled-records.js';
import { readTextColumns } from '../shared/text-columns.js';
import { splitValues, type PackedValue } from './records.js';
import type { MsgpackConfig } from './schema.js';
import { describeKind, followPath, loadDecoder, textFor, toJson, type DecodeValue } from './values.js';

export interface MsgpackLayout {
  readonly columns: readonly SourceColumn[];
  /** For each column the way to its value within the record. */
  readonly paths: readonly (readonly string[])[];
  readonly rows: 'map' | 'array';
  readonly optional: boolean;
  readonly extra: boolean;
}

const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

export function readLayout(config: MsgpackConfig, place: ConfigPlace = NOWHERE): MsgpackLayout {
  const rows = config.row_encoding ?? 'map';
  const paths = config.columns.map(({ name, element_at: pointer }, i) => {
    if (pointer === undefined) return [rows === 'array' ? String(i) : name];
    const path = parsePointer(pointer);
    if (path !== undefined) return path;
    throw configProblem(place, `columns[${i}].element_at`, {
      code: 'BAD_JSON_POINTER',
      message: `expected a JSON pointer, found "${pointer}"`,
      hint: 'a JSON pointer starts with "/", e.g. /user/id; write ~1 for "/" and ~0 for "~" within a key',
    });
  });
  return {
    columns: readTextColumns(config.columns, config, place),
    paths,
    rows,
    optional: config.allow_optional_columns ?? false,
    extra: config.allow_extra_columns ?? false,
  };
}

export async function openMsgpack(files: readonly ParserFile[], config: MsgpackConfig, ctx: TaskContext): Promise<Reading> {
  const layout = readLayout(config);
  const decode = await loadDecoder();
  const read = async function* (bytes: AsyncIterable<Uint8Array>, file: ParserFile): AsyncGenerator<readonly SourceRecord[]> {
    for await (const batch of splitValues(bytes, file, config.file_encoding ?? 'sequence'))
      yield batch.map((packed) => toRecord(packed, layout, decode));
  };
  return openSpooledRecords(files, layout.columns, read, ctx);
}

function toRecord(packed: PackedValue, layout: MsgpackLayout, decode: DecodeValue): SourceRecord {
  const decoded = packed.problem === undefined ? tryDecode(packed.bytes, decode) : { problem: packed.problem };
  const outcome = 'problem' in decoded ? { column: null, reason: decoded.problem } : readRow(decoded.value, layout);
  return { offset: packed.offset, outcome, raw: () => ('problem' in decoded ? null : toJson(decoded.value)) };
}

/** Maps whose keys are no texts or numbers, and the key `__proto__`, are refused by the decoder. */
function tryDecode(bytes: Buffer, decode: DecodeValue): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: decode(bytes) };
  } catch (error) {
    if (error instanceof Error && (error.name === 'DecodeError' || error instanceof RangeError)) return { problem: error.message };
    throw error;
  }
}

function readRow(value: unknown, layout: MsgpackLayout): RecordOutcome {
  const isArray = Array.isArray(value);
  if (isArray !== (layout.rows === 'array') || typeof value !== 'object' || value === null || (!isArray && describeKind(value) !== 'a map'))
    return { column: null, reason: `expected ${layout.rows === 'array' ? 'an array' : 'a map'}, found ${describeKind(value)}` };
  if (isArray) {
    const expected = layout.columns.length;
    if (value.length < expected && !layout.optional) return { column: null, reason: `too few values: expected ${expected}, found ${value.length}` };
    if (value.length > expected && !layout.extra) return { column: null, reason: `too many values: expected ${expected}, found ${value.length}` };
  }
  const values: (string | null)[] = [];
  for (const [i, column] of layout.columns.entries()) {
    const found = followPath(value, layout.paths[i] as readonly string[]);
    const read = textFor(found, column.type);
    if ('expected' in read) return { column: column.name, reason: `expected ${read.expected}, found ${describeKind(found)}` };
    values.push(read.text);
  }
  return { values };
}
