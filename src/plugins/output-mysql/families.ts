import type { TargetFamily } from '../shared/sql-output/target-column.js';

/** A column as information_schema describes it; the parts that decide what it can hold. */
export interface MysqlType {
  /** `bigint(20) unsigned`, `enum('a','b')`, as `column_type` spells it. */
  readonly columnType: string;
  /** Of texts. */
  readonly charset: string | undefined;
  /** MariaDB: a text whose only check is that it is JSON. */
  readonly isJsonText: boolean;
}

const INTEGERS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, integer: 32, bigint: 64 };
const TEXTS: Readonly<Record<string, number | undefined>> = { tinytext: 255, text: 65_535, mediumtext: 16_777_215, longtext: undefined };
const BLOBS: Readonly<Record<string, number | undefined>> = { tinyblob: 255, blob: 65_535, mediumblob: 16_777_215, longblob: undefined };

/** What a type can hold (manual, chapter "Data Types"). */
export function familyOf({ columnType, charset, isJsonText }: MysqlType): TargetFamily {
  const [, base = '', size = ''] = /^([a-z0-9]+)\s*(?:\(([^)]*)\))?/i.exec(columnType) ?? [];
  const type = base.toLowerCase();
  const [first, second] = /^\d/.test(size) ? size.split(',').map(Number) : [];
  const unsigned = /\bunsigned\b|\bzerofill\b/i.test(columnType);
  const bits = INTEGERS[type];
  if (bits !== undefined) {
    const half = 2n ** BigInt(bits - 1);
    return unsigned ? { kind: 'integer', min: '0', max: String(2n * half - 1n) } : { kind: 'integer', min: String(-half), max: String(half - 1n) };
  }
  if (isJsonText) return { kind: 'json', strictKeys: false, noNul: false, doubles: false };
  if (type in TEXTS) return text(charset, { bytes: TEXTS[type] });
  if (type in BLOBS) return { kind: 'bytes', fixed: false, ...given({ length: BLOBS[type] }) };
  switch (type) {
    case 'bool':
    case 'boolean':
      return { kind: 'integer', min: '-128', max: '127' };
    case 'decimal':
    case 'numeric':
    case 'dec':
    case 'fixed':
      return { kind: 'decimal', precision: first ?? 10, scale: second ?? 0 };
    case 'float':
    case 'double':
    case 'real':
      // With digits to show, values are rounded to them.
      if (second !== undefined && first !== undefined) return { kind: 'decimal', precision: first, scale: second };
      return { kind: 'float', bits: type === 'float' && (first ?? 0) <= 24 ? 32 : 64, finite: true };
    case 'bit':
      return { kind: 'bits', length: first ?? 1 };
    case 'char':
    case 'nchar':
      return text(charset, { characters: first ?? 1, padded: true });
    case 'varchar':
    case 'nvarchar':
      return text(charset, { characters: first });
    case 'binary':
      return { kind: 'bytes', length: first ?? 1, fixed: true };
    case 'varbinary':
      return { kind: 'bytes', fixed: false, ...given({ length: first }) };
    case 'date':
      return { kind: 'date', min: '0001-01-01', max: '9999-12-31', finite: true };
    case 'datetime':
      return timestamp(false, first ?? 0, '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999');
    case 'timestamp':
      return timestamp(true, first ?? 0, '1970-01-01 00:00:01', '2038-01-19 03:14:07.999999');
    case 'time':
      return { kind: 'time', fraction: first ?? 0, hours: 839, negative: true };
    case 'year':
      return { kind: 'year' };
    case 'enum':
    case 'set':
      return { kind: 'choice', values: membersOf(columnType), many: type === 'set' };
    case 'json':
      return { kind: 'json', strictKeys: true, noNul: false, doubles: true };
    default:
      return { kind: 'checked' };
  }
}

function text(
  charset: string | undefined,
  limits: { readonly characters?: number | undefined; readonly bytes?: number | undefined; readonly padded?: boolean },
): TargetFamily {
  return {
    kind: 'text',
    padded: limits.padded ?? false,
    charset: charsetOf(charset),
    noNul: false,
    ...given({ characters: limits.characters, bytes: limits.bytes }),
  };
}

function charsetOf(charset: string | undefined): Extract<TargetFamily, { kind: 'text' }>['charset'] {
  switch (charset) {
    case undefined:
    case 'utf8mb4':
      return 'utf8';
    case 'utf8':
    case 'utf8mb3':
    case 'ucs2':
      return 'utf8mb3';
    case 'latin1':
    case 'ascii':
      return charset;
    default:
      return 'other';
  }
}

function timestamp(zoned: boolean, fraction: number, min: string, max: string): TargetFamily {
  return { kind: 'timestamp', zoned, fraction, min, max, finite: true };
}

/** `enum('a','b''c')` as `a`, `b'c`. */
function membersOf(columnType: string): readonly string[] {
  return [...columnType.matchAll(/'((?:[^']|'')*)'/g)].map(([, member = '']) => member.replaceAll("''", "'"));
}

/** The properties that have a value. */
function given<K extends string, V>(properties: Readonly<Record<K, V | undefined>>): { [key in K]?: V } {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as { [key in K]?: V };
}
