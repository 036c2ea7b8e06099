import { decimalOf, type Column, type ColumnType } from '../../core/spi/index.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import type { TargetColumn } from '../shared/sql-output/target-column.js';
import { familyOf } from './families.js';

/** Characters that the columns of one InnoDB index may have together: 3,072 bytes, and 8 for each key of another type. */
const KEY_CHARACTERS = 760;
const MAX_DECIMAL_SCALE = 30;

/** The type of a column that is made for values of ours; as part of a primary key of `keys` columns a text has a limit. */
export function typeToMake(type: ColumnType, keys = 0): string {
  const decimal = decimalOf(type);
  if (decimal) return decimal.scale > MAX_DECIMAL_SCALE ? `varchar(${decimal.precision + 3})` : `decimal(${decimal.precision},${decimal.scale})`;
  switch (type) {
    case 'boolean':
      return 'tinyint(1)';
    case 'long':
      return 'bigint';
    case 'double':
      return 'double';
    case 'date':
      return 'date';
    case 'timestamp':
    case 'datetime':
      return 'datetime(6)';
    case 'json':
      return 'json';
    case 'binary':
      return keys > 0 ? `varbinary(${keyLength(keys)})` : 'longblob';
    default:
      // Keys that differ in case, or in an accent, are two keys.
      return keys > 0 ? `varchar(${keyLength(keys)}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin` : 'longtext CHARACTER SET utf8mb4';
  }
}

function keyLength(keys: number): number {
  return Math.min(255, Math.floor(KEY_CHARACTERS / keys));
}

/** A column to make: with the type of the config, or the one for its values. */
export function makeColumn(product: MysqlSession['product'], column: Column, sqlType: string | undefined, keys: number): TargetColumn {
  const whole = sqlType ?? typeToMake(column.type, keys);
  return {
    name: column.name,
    sqlType: whole,
    family: familyOf({
      columnType: whole,
      charset: /\b(?:character set|charset)\s+(\w+)/i.exec(whole)?.[1]?.toLowerCase(),
      // There it is a text that keeps what it is given.
      isJsonText: product === 'MariaDB' && /^json\b/i.test(whole),
    }),
    nullable: keys === 0 && !/\bnot null\b|\bprimary key\b/i.test(whole),
    hasDefault: false,
    generated: false,
  };
}
