import type { ColumnType, ConfigPlace } from '../../core/spi/index.js';
import { decimalOf } from '../../core/spi/index.js';
import type { Encoding, ResultColumn } from '../shared/mysql/result-columns.js';
import { checkOptionNames, optionType } from '../shared/sql/column-options.js';
import type { SpooledColumn } from '../shared/sql/spooled-reading.js';
import type { MysqlInputConfig } from './config.js';

/** A column as the plan stores it. */
export interface PlannedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly encoding: Encoding;
  /** The type that the server gave; another one at the time of reading is an error. */
  readonly sourceType: string;
  /** The config asked for another type than the usual one. */
  readonly converted?: { readonly format?: string; readonly timezone?: string };
}

/** The columns of the source with what the config says about single ones. */
export function planColumns(found: readonly ResultColumn[], config: MysqlInputConfig, place: ConfigPlace): readonly PlannedColumn[] {
  const names = found.map(({ name }) => name);
  checkOptionNames(config.column_options, names, place);
  return found.map(({ name, type, encoding, sourceType }) => {
    const planned: PlannedColumn = { name, type, encoding, sourceType };
    const option = config.column_options?.[name];
    if (option === undefined) return planned;
    const wanted = optionType(option, place, `column_options.${name}`) ?? type;
    if (wanted === type && option.format === undefined && option.timezone === undefined) return planned;
    const format = wanted === 'binary' && encoding === 'hex' ? 'hex' : option.format;
    const timezone = wanted === 'timestamp' && type !== 'timestamp' ? (option.timezone ?? config.default_timezone) : undefined;
    const converted = { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }) };
    return { ...planned, type: wanted, converted };
  });
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
