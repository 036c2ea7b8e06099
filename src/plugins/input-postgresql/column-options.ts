import { ownValue, type ColumnType, type ConfigPlace, type SourceColumn, type TextFormat } from '../../core/spi/index.js';
import { checkOptionNames, optionType, type ColumnOption } from '../shared/sql/column-options.js';
import type { SelectColumn } from '../shared/sql/select.js';
import type { PostgresqlInputConfig } from './config.js';
import { timeTextSql } from './time-text.js';
import { expressionFor, mapColumn, type PgColumn, type TypeFacts } from './types.js';

export interface ReadColumns {
  readonly columns: readonly SourceColumn[];
  readonly select: readonly SelectColumn[];
  /** Columns that the server gives as its usual text of the type. */
  readonly exact: readonly boolean[];
  readonly notes: readonly string[];
}

/** JDBC's words for types, as `default_column_options` of Embulk uses them. */
const JDBC_NAMES: Readonly<Record<string, readonly string[]>> = {
  bigint: ['int8'],
  integer: ['int4'],
  smallint: ['int2'],
  numeric: ['numeric'],
  decimal: ['numeric'],
  double: ['float8'],
  real: ['float4'],
  float: ['float8'],
  boolean: ['bool'],
  bit: ['bool', 'bit'],
  varchar: ['varchar', 'text', 'name'],
  char: ['bpchar'],
  binary: ['bytea'],
  timestamp: ['timestamp', 'timestamptz'],
  array: [],
};

/** Types, expressions and notes of all columns, with what the config says about single ones. */
export function readColumns(found: readonly PgColumn[], facts: TypeFacts, config: PostgresqlInputConfig, place: ConfigPlace): ReadColumns {
  checkOptionNames(
    config.column_options,
    found.map(({ name }) => name),
    place,
  );
  const notes: string[] = [];
  const columns: SourceColumn[] = [];
  const select: SelectColumn[] = [];
  const exact: boolean[] = [];
  for (const column of found) {
    const own = ownValue(config.column_options, column.name);
    const option = own ?? defaultOption(column, config);
    const path = own === undefined ? 'default_column_options' : `column_options.${column.name}`;
    const mapped = mapColumn(column, facts);
    const type = option === undefined ? undefined : optionType(option, place, path);
    const isUsual =
      option === undefined || ((type === undefined || type === mapped.type) && option.format === undefined && option.timezone === undefined);
    exact.push(isUsual && option?.timestamp_format === undefined);
    if (type === 'string' && option?.timestamp_format !== undefined) {
      columns.push({ name: column.name, type, text: {} });
      select.push({ name: column.name, sql: timeTextSql(column, option, config.default_timezone ?? 'UTC', place, path) });
      continue;
    }
    if (isUsual) {
      columns.push({ name: column.name, type: mapped.type, text: mapped.text });
      select.push({ name: column.name, sql: mapped.sql });
      if (mapped.note !== undefined) notes.push(mapped.note);
      continue;
    }
    const target = type ?? mapped.type;
    columns.push({ name: column.name, type: target, text: textOf(option, target, column, config.default_timezone) });
    select.push({ name: column.name, sql: expressionFor(column, target) });
  }
  return { columns, select, exact, notes };
}

function defaultOption(column: PgColumn, { default_column_options: options }: PostgresqlInputConfig): ColumnOption | undefined {
  const entry = Object.entries(options ?? {}).find(([key]) => {
    const word = key.toLowerCase();
    return word === column.typeName || word === column.spelling || (ownValue(JDBC_NAMES, word)?.includes(column.typeName) ?? false);
  });
  return entry?.[1];
}

function textOf(option: ColumnOption, type: ColumnType, column: PgColumn, zone: string | undefined): TextFormat {
  const format = type === 'binary' && column.typeName === 'bytea' ? 'hex' : option.format;
  const timezone = type === 'timestamp' && column.typeName !== 'timestamptz' ? (option.timezone ?? zone) : undefined;
  return { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }) };
}
