import {
  COLUMN_TYPE_NAMES,
  didYouMean,
  parseColumnType,
  type ColumnType,
  type ConfigPlace,
  type FilterColumn,
  type ScalarFunction,
  type TextFormat,
} from '../../core/spi/index.js';
import { configProblem } from './config-problem.js';
import { followPointer, parsePointer, scanValue, skipSpace, textOf } from './json-scanner.js';

/** A column that filters make from JSON, as their configs declare it. */
export interface JsonColumnConfig {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly timezone?: string;
}

/** Schema of such a column; shared so that all filters mean the same. */
export const JSON_COLUMN_PROPERTIES = {
  name: { type: 'string', minLength: 1, description: 'Name of the new column.' },
  type: { type: 'string', description: 'Its type; a value of another kind is rejected.' },
  format: { type: 'string', description: 'Pattern of times; base64 or hex for binary.' },
  timezone: { type: 'string', description: 'Time zone of timestamps without an offset.' },
} as const;

export function columnTypeAt(text: string, place: ConfigPlace, path: string): ColumnType {
  const type = parseColumnType(text);
  if (type !== undefined) return type;
  throw configProblem(place, path, {
    code: 'TYPE_UNKNOWN',
    message: `expected a column type, got "${text}"${didYouMean(text, COLUMN_TYPE_NAMES)}`,
    hint: `types: ${COLUMN_TYPE_NAMES.join(', ')}`,
  });
}

/**
 * A column from the SQL of a JSON value's source text: numbers from JSON numbers, texts from JSON strings, json as it stands.
 * JSON null and a missing value are NULL.
 */
export function columnFromJson(raw: string, type: ColumnType, config: JsonColumnConfig): FilterColumn {
  const { name } = config;
  if (type === 'string') {
    return {
      name,
      type,
      sql: bind(raw, `case when r like '"%' then r::json ->> '$' end`),
      rejectNullWhen: `${raw} <> 'null'`,
      reason: 'expected a JSON string',
    };
  }
  const text: TextFormat = {
    ...(config.format === undefined ? {} : { format: config.format }),
    ...(config.timezone === undefined ? {} : { timezone: config.timezone }),
  };
  return {
    name,
    type,
    cast: { from: { sql: bind(raw, textRule(type)), type: 'string' }, to: type, ...(Object.keys(text).length === 0 ? {} : { text }) },
  };
}

function textRule(type: ColumnType): string {
  // 0 and 1 would pass as words of text files, but are no JSON booleans.
  if (type === 'boolean') return `case when r in ('true', 'false') then r when r <> 'null' then 'not ' || r end`;
  const isText = type === 'date' || type === 'timestamp' || type === 'datetime' || type === 'binary';
  return isText ? `case when r like '"%' then r::json ->> '$' else nullif(r, 'null') end` : `nullif(r, 'null')`;
}

function bind(raw: string, body: string): string {
  return `list_transform([${raw}], lambda r: ${body})[1]`;
}

/**
 * SQL for the source text of the value at a JSON pointer. DuckDB rewrites values (17 digits → fewer, 1e2 → 100.0, blanks
 * away), so json columns and texts with such numbers go through our scanner.
 */
export function elementSql(json: string, pointer: string, type: ColumnType): string {
  const call = `${JSON_ELEMENT.name}(${json}::varchar, '${pointer.replaceAll("'", "''")}')`;
  if (type === 'json') return call;
  return `case when regexp_matches(${json}::varchar, '${LOSSY}') then ${call} else json_extract(${json}, '${pointer.replaceAll("'", "''")}')::varchar end`;
}

/** A number whose value DuckDB's JSON functions may change: more than 15 digits, or an exponent. */
const LOSSY = '[0-9][0-9.]{15}|[0-9.][eE][+-]?[0-9]';

export const JSON_ELEMENT: ScalarFunction = {
  name: '__json_element',
  parameters: ['VARCHAR', 'VARCHAR'],
  returns: 'VARCHAR',
  call([json, pointer]) {
    if (typeof json !== 'string' || typeof pointer !== 'string') return null;
    const bytes = Buffer.from(json);
    const found = followPointer(bytes, wholeValue(bytes), parsePointer(pointer) ?? []);
    return found === undefined ? null : textOf(bytes, found);
  },
};

/** The one value of a JSON text, without the blanks around it. */
export function wholeValue(bytes: Buffer): { readonly start: number; readonly end: number } {
  const start = skipSpace(bytes, 0, bytes.length);
  const scanned = scanValue(bytes, start, bytes.length);
  return { start, end: scanned.kind === 'value' ? scanned.end : bytes.length };
}
