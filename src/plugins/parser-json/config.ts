import type { ColumnType, ConfigPlace, SourceColumn, TextFormat } from '../../core/spi/index.js';
import { ConfigError, parseColumnType, COLUMN_TYPE_NAMES } from '../../core/spi/index.js';
import { parsePointer } from '../shared/json-scanner.js';

export interface JsonColumnConfig {
  readonly name: string;
  readonly type: string;
  readonly element_at?: string;
  readonly format?: string;
  readonly timezone?: string;
  readonly date?: string;
}

export interface JsonParserConfig {
  readonly type: 'json';
  readonly columns?: readonly JsonColumnConfig[];
  readonly root?: string;
  readonly flatten_json_array?: boolean;
  readonly invalid_string_escapes?: 'PASSTHROUGH' | 'SKIP' | 'UNESCAPE';
  readonly stop_on_invalid_record?: boolean;
  readonly default_timezone?: string;
  readonly default_timestamp_format?: string;
  readonly default_date?: string;
}

/** How a JSON value becomes the text that the engine converts. */
export type TextRule = 'string' | 'number' | 'boolean' | 'time' | 'json';

export interface JsonColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly rule: TextRule;
  /** Pointer segments within the record; empty = the record itself. */
  readonly path: readonly string[];
  readonly text: TextFormat;
}

export interface JsonLayout {
  readonly columns: readonly JsonColumn[];
  readonly root: readonly string[];
  readonly flatten: boolean;
  readonly escapes: 'PASSTHROUGH' | 'SKIP' | 'UNESCAPE';
  readonly stopOnInvalid: boolean;
}

const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

export function readLayout(config: JsonParserConfig, place: ConfigPlace = NOWHERE): JsonLayout {
  return {
    columns: config.columns
      ? config.columns.map((c, i) => readColumn(c, i, config, place))
      : [{ name: 'record', type: 'json', rule: 'json', path: [], text: {} }],
    root: readPointer(config.root ?? '', 'root', place),
    flatten: config.flatten_json_array ?? false,
    escapes: config.invalid_string_escapes ?? 'PASSTHROUGH',
    stopOnInvalid: config.stop_on_invalid_record ?? false,
  };
}

export function sourceColumns(layout: JsonLayout): SourceColumn[] {
  return layout.columns.map(({ name, type, text }) => ({ name, type, text }));
}

function readColumn(column: JsonColumnConfig, index: number, config: JsonParserConfig, place: ConfigPlace): JsonColumn {
  const type = parseColumnType(column.type);
  if (!type) {
    throw new ConfigError({
      code: 'UNKNOWN_COLUMN_TYPE',
      message: `parser.columns[${index}].type: expected a column type, found "${column.type}"`,
      hint: `use one of ${COLUMN_TYPE_NAMES.join(', ')}`,
      where: place.at(`columns[${index}].type`),
    });
  }
  const timed = type === 'timestamp' || type === 'datetime' || type === 'date';
  const format = column.format ?? (type === 'timestamp' || type === 'datetime' ? config.default_timestamp_format : undefined);
  const zone = type === 'timestamp' ? (column.timezone ?? config.default_timezone) : undefined;
  const date = timed ? (column.date ?? config.default_date) : undefined;
  return {
    name: column.name,
    type,
    rule: ruleOf(type),
    path: column.element_at === undefined ? [column.name] : readPointer(column.element_at, `columns[${index}].element_at`, place),
    text: { ...(format === undefined ? {} : { format }), ...(zone === undefined ? {} : { timezone: zone }), ...(date === undefined ? {} : { date }) },
  };
}

function ruleOf(type: ColumnType): TextRule {
  switch (type) {
    case 'json':
      return 'json';
    case 'boolean':
      return 'boolean';
    case 'string':
    case 'binary':
      return 'string';
    case 'date':
    case 'timestamp':
    case 'datetime':
      return 'time';
    default:
      return 'number';
  }
}

function readPointer(pointer: string, path: string, place: ConfigPlace): string[] {
  const segments = parsePointer(pointer);
  if (segments) return segments;
  throw new ConfigError({
    code: 'BAD_JSON_POINTER',
    message: `parser.${path}: expected a JSON pointer, found "${pointer}"`,
    hint: 'a JSON pointer starts with "/", e.g. /user/id; write ~1 for "/" and ~0 for "~" within a key',
    where: place.at(path),
  });
}
