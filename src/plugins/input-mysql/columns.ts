import { decimalOf, ownValue, type ColumnType, type ConfigPlace } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { Encoding, ResultColumn } from '../shared/mysql/result-columns.js';
import { checkOptionNames, optionType, type ColumnOption } from '../shared/sql/column-options.js';
import type { SpooledColumn } from '../shared/sql/spooled-reading.js';
import type { MysqlInputConfig } from './config.js';
import { timeTextSql } from './time-text.js';

/** A column as the plan stores it. */
export interface PlannedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly encoding: Encoding;
  /** The type that the server gave; another one at the time of reading is an error. */
  readonly sourceType: string;
  /** Expression of the value in the SELECT. */
  readonly sql: string;
  /** The config asked for another type than the usual one. */
  readonly converted?: { readonly format?: string; readonly timezone?: string };
}

/** JDBC's words for types, as `default_column_options` of Embulk uses them. */
const JDBC_NAMES: Readonly<Record<string, RegExp>> = {
  bigint: /^bigint/,
  integer: /^(int|mediumint)/,
  smallint: /^smallint/,
  tinyint: /^tinyint/,
  bit: /^(bit|tinyint\(1\))/,
  boolean: /^(bit\(1\)|tinyint\(1\))/,
  decimal: /^decimal/,
  numeric: /^decimal/,
  double: /^double/,
  real: /^float/,
  float: /^float/,
  char: /^(text|enum|set)/,
  varchar: /^(text|enum|set)/,
  longvarchar: /^text/,
  clob: /^text/,
  date: /^date$/,
  time: /^time$/,
  timestamp: /^(datetime|timestamp)/,
  binary: /^binary/,
  varbinary: /^binary/,
  longvarbinary: /^binary/,
  blob: /^binary/,
};

/** The columns of the source with what the config says about single ones. */
export function planColumns(found: readonly ResultColumn[], config: MysqlInputConfig, place: ConfigPlace): readonly PlannedColumn[] {
  const names = found.map(({ name }) => name);
  checkOptionNames(config.column_options, names, place);
  return found.map((column) => {
    const own = ownValue(config.column_options, column.name);
    const [key, common] = own === undefined ? defaultOption(column, config) : [];
    const path = own === undefined ? `default_column_options.${key ?? ''}` : `column_options.${column.name}`;
    return planColumn(column, own ?? common, config, place, path);
  });
}

function planColumn(
  column: ResultColumn,
  option: ColumnOption | undefined,
  config: MysqlInputConfig,
  place: ConfigPlace,
  path: string,
): PlannedColumn {
  const { name, type, encoding, sourceType, isFloat } = column;
  const quoted = mysqlDialect.quoteIdentifier(name);
  // A FLOAT's text has 6 digits; as a double it has all.
  const planned: PlannedColumn = { name, type, encoding, sourceType, sql: isFloat ? `${quoted} + 0e0` : quoted };
  if (option === undefined) return planned;
  const wanted = optionType(option, place, path) ?? type;
  if (wanted === 'string' && option.timestamp_format !== undefined) {
    const sql = timeTextSql(column, option, config.default_timezone ?? 'UTC', place, path);
    return { name, type: 'string', encoding: 'text', sourceType: 'text', sql };
  }
  if (wanted === type && option.format === undefined && option.timezone === undefined) return planned;
  const format = wanted === 'binary' && encoding === 'hex' ? 'hex' : option.format;
  const timezone = wanted === 'timestamp' && type !== 'timestamp' ? (option.timezone ?? config.default_timezone) : undefined;
  const converted = { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }) };
  return { ...planned, type: wanted, converted };
}

function defaultOption({ sourceType }: ResultColumn, { default_column_options: options }: MysqlInputConfig): readonly [string?, ColumnOption?] {
  const entry = Object.entries(options ?? {}).find(([key]) => {
    const word = key.toLowerCase();
    return word === sourceType || (ownValue(JDBC_NAMES, word)?.test(sourceType) ?? false);
  });
  return entry ?? [];
}

/** How DuckDB reads the column from the spool. */
export function spooledColumn(column: PlannedColumn): SpooledColumn {
  const { name, type, encoding, converted } = column;
  if (converted !== undefined) return { name, type, csvType: 'VARCHAR', text: converted, strict: true };
  switch (type) {
    case 'boolean':
      return { name, type, csvType: 'BOOLEAN', text: {} };
    case 'long':
      return { name, type, csvType: 'BIGINT', text: {} };
    case 'double':
      return { name, type, csvType: 'DOUBLE', text: {} };
    case 'date':
      return { name, type, csvType: 'DATE', text: {} };
    case 'datetime':
      return { name, type, csvType: 'TIMESTAMP', text: {} };
    case 'timestamp':
      // The session's zone is UTC; read as a timestamp with zone it would be in DuckDB's.
      return { name, type, csvType: 'TIMESTAMP', convert: (field) => `make_timestamptz(epoch_us(${field}))`, text: {} };
    case 'binary':
      return { name, type, csvType: 'VARCHAR', convert: (field) => `unhex(${field})`, text: encoding === 'hex' ? { format: 'hex' } : {} };
    case 'json':
      return { name, type, csvType: 'VARCHAR', text: {}, strict: true };
    case 'string':
      return { name, type, csvType: 'VARCHAR', text: {} };
    default: {
      const decimal = decimalOf(type);
      if (decimal === undefined) return { name, type, csvType: 'VARCHAR', text: {}, strict: true };
      return { name, type, csvType: `DECIMAL(${decimal.precision},${decimal.scale})`, text: {} };
    }
  }
}
