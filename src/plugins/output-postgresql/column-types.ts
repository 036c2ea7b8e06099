import { decimalOf, type Column, type ColumnType } from '../../core/spi/index.js';
import { arrayLiteral } from '../shared/sql-output/fit-array.js';
import type { SpoolColumn } from '../shared/sql-output/spool-lines.js';
import type { TargetColumn, TargetFamily } from '../shared/sql-output/target-column.js';
import type { WrittenValue } from '../shared/sql-output/written-value.js';

const INT8 = { kind: 'integer', min: '-9223372036854775808', max: '9223372036854775807' } as const;
const TEXT = { kind: 'text', padded: false, charset: 'utf8', noNul: true } as const;
/** PostgreSQL's own bounds are wider than DuckDB's for dates; timestamps end in 294276 (manual, 8.5). */
const DATE = { kind: 'date', min: '4713-11-24 (BC)', max: '5874897-12-31', finite: false } as const;
const timestamp = (zoned: boolean, fraction: number): TargetFamily => ({
  kind: 'timestamp',
  zoned,
  fraction,
  min: '4713-11-24 (BC) 00:00:00',
  max: '290000-12-31 23:59:59.999999',
  finite: false,
});

/** The type of a column that is made for values of ours. */
export function typeToMake(type: ColumnType): string {
  const decimal = decimalOf(type);
  if (decimal) return `numeric(${decimal.precision},${decimal.scale})`;
  switch (type) {
    case 'boolean':
      return 'boolean';
    case 'long':
      return 'bigint';
    case 'double':
      return 'double precision';
    case 'date':
      return 'date';
    case 'timestamp':
      return 'timestamp with time zone';
    case 'datetime':
      return 'timestamp without time zone';
    case 'json':
      return 'json';
    case 'binary':
      return 'bytea';
    default:
      return 'text';
  }
}

/** What a type, as `format_type` spells it, can hold. `values` are the labels of an enum. */
export function familyOf(sqlType: string, values: readonly string[] | undefined): TargetFamily {
  if (values) return { kind: 'choice', values, many: false };
  if (sqlType.endsWith('[]')) return { kind: 'array', element: familyOf(sqlType.slice(0, -2), undefined) };
  const [, base = sqlType, size = '', zone = ''] = /^([a-z ]+?)(?:\((\d+(?:,-?\d+)?)\))?( with(?:out)? time zone)?$/.exec(sqlType) ?? [];
  const [first, second] = size === '' ? [] : size.split(',').map(Number);
  switch (base) {
    case 'boolean':
      return { kind: 'boolean' };
    case 'smallint':
      return { kind: 'integer', min: '-32768', max: '32767' };
    case 'integer':
      return { kind: 'integer', min: '-2147483648', max: '2147483647' };
    case 'bigint':
      return INT8;
    case 'numeric':
      return first === undefined ? { kind: 'decimal' } : { kind: 'decimal', precision: first, scale: second ?? 0 };
    case 'real':
      return { kind: 'float', bits: 32, finite: false, shortest: true };
    case 'double precision':
      return { kind: 'float', bits: 64, finite: false };
    case 'text':
      return TEXT;
    case 'character varying':
      return first === undefined ? TEXT : { ...TEXT, characters: first };
    case 'character':
      return { ...TEXT, characters: first ?? 1, padded: true };
    case 'bytea':
      return { kind: 'bytes', fixed: false };
    case 'date':
      return DATE;
    case 'timestamp':
      return timestamp(zone === ' with time zone', first ?? 6);
    case 'time':
      // With a zone the text may end in an offset, which the server checks.
      return zone === ' with time zone' ? { kind: 'checked' } : { kind: 'time', fraction: first ?? 6, hours: 24, negative: false };
    case 'json':
      return { kind: 'json', strictKeys: false, noNul: false, doubles: false };
    case 'jsonb':
      return { kind: 'json', strictKeys: true, noNul: true, doubles: false };
    default:
      return { kind: 'checked' };
  }
}

/** A column to make: with the type of the config, or the one for its values. */
export function makeColumn(column: Column, sqlType: string | undefined): TargetColumn {
  const whole = sqlType ?? typeToMake(column.type);
  const spelled = whole.toLowerCase().replace(/\s+(not null|null|default|primary key|unique|collate|check|references)\b.*$/s, '');
  const [, base = spelled, size = '', zone = '', brackets = ''] =
    /^([a-z0-9 ]+?)\s*(\([^)]*\))?( with(?:out)? time zone)?\s*((?:\[\d*\])*)$/.exec(spelled) ?? [];
  return {
    name: column.name,
    sqlType: whole,
    family: familyOf(aliased(base, size.replaceAll(' ', ''), zone) + (brackets === '' ? '' : '[]'), undefined),
    nullable: !/\bnot null\b|\bprimary key\b/i.test(whole),
    hasDefault: false,
    generated: false,
  };
}

function aliased(base: string, size: string, zone: string): string {
  if (base === 'timestamptz') return `timestamp${size} with time zone`;
  if (base === 'timestamp') return `timestamp${size}${zone === '' ? ' without time zone' : zone}`;
  return `${ALIASES[base] ?? base}${size}${zone}`;
}

const ALIASES: Readonly<Record<string, string>> = {
  int: 'integer',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float: 'double precision',
  float4: 'real',
  float8: 'double precision',
  decimal: 'numeric',
  bool: 'boolean',
  varchar: 'character varying',
  char: 'character',
};

/**
 * The text that PostgreSQL reads as exactly this value (manual, 8.4 and B.1). DuckDB's years BC, `0044-03-15 (BC) 10:00:00`, it
 * reads as well: parentheses count as blanks.
 */
export function spoolColumn({ sql, type }: WrittenValue, { family }: TargetColumn): SpoolColumn {
  switch (type) {
    case 'binary':
      // The backslash is escaped here: a search of long values for it would find nothing else.
      return { sql: `'\\\\x' || lower(hex(${sql}))`, text: false };
    case 'string':
    case 'json':
      return { sql: family.kind === 'array' && type === 'json' ? arrayLiteral(sql, family) : sql, text: true };
    case 'timestamp':
      // As the cast writes it, which takes three times as long; it is left for infinities.
      return { sql: `coalesce(make_timestamp(epoch_us(${sql}))::VARCHAR || '+00', ${sql}::VARCHAR)`, text: false };
    case 'datetime':
      return { sql: family.kind === 'date' ? `${sql}::DATE` : sql, text: false };
    case 'boolean':
      return { sql: family.kind === 'integer' ? `${sql}::INTEGER` : sql, text: false };
    default:
      // Whole numbers without `.0`, which the server would not read.
      return { sql: family.kind === 'integer' && type !== 'long' ? `${sql}::HUGEINT` : sql, text: false };
  }
}
