import { decimalOf, parseColumnType, quoteLiteral, type ConfigPlace, type SourceColumn } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';

export interface RandomColumn {
  readonly name: string;
  readonly type: string;
  readonly min?: number | string;
  readonly max?: number | string;
  readonly length?: number;
  readonly values?: readonly (string | number | boolean | null)[];
  readonly sequence?: boolean;
  readonly null_rate?: number;
}

/** A column and the SQL of its value in row `i` (counted from 0). */
export interface ColumnSql {
  readonly column: SourceColumn;
  readonly sql: string;
}

const DAY = 86_400_000_000n;
/** Unscaled decimals are made from 64 random bits. */
const MOST_DIGITS = 18;

/** ConfigError RANDOM_COLUMN for bounds that the type does not have. `place` is the input's section. */
export function planColumn(config: RandomColumn, index: number, seed: number, place: ConfigPlace): ColumnSql {
  const type = parseColumnType(config.type);
  const fail = (key: string, message: string): never => {
    throw configProblem(place, `columns[${index}].${key}`, {
      code: 'RANDOM_COLUMN',
      message,
      hint: 'see the input random in docs/reference/plugins',
    });
  };
  if (type === undefined) return fail('type', `expected a column type, found "${config.type}"`);
  const column = { name: config.name, type };
  // A salt for each use, so that columns and their NULLs are independent.
  const bits = (use: string): string => `hash(i, ${quoteLiteral(`${seed}/${index}/${use}`)})`;
  const orNull = (sql: string): string =>
    (config.null_rate ?? 0) === 0
      ? sql
      : `CASE WHEN ${bits('null')} % 1000000 < ${Math.round((config.null_rate ?? 0) * 1e6)} THEN NULL ELSE ${sql} END`;
  if (config.values) {
    const list = config.values.map((value) => (value === null ? 'NULL' : quoteLiteral(String(value)))).join(', ');
    return { column: { ...column, text: {} }, sql: orNull(`([${list}]::VARCHAR[])[1 + (${bits('value')} % ${config.values.length})::BIGINT]`) };
  }
  const integer = (key: 'min' | 'max', fallback: bigint): bigint => {
    const value = config[key];
    if (value === undefined) return fallback;
    return /^-?\d+$/.test(String(value)) ? BigInt(value) : fail(key, `expected a whole number, found ${JSON.stringify(value)}`);
  };
  const between = (min: bigint, max: bigint): string => {
    if (max < min) fail('max', `expected at least min (${String(config.min ?? min)}), found ${String(config.max ?? max)}`);
    return `(${min}::HUGEINT + (${bits('value')}::HUGEINT % ${max - min + 1n}::HUGEINT))`;
  };
  const micros = (key: 'min' | 'max', fallback: string): bigint => {
    const text = String(config[key] ?? fallback);
    const time = Date.parse(
      /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : /Z|[+-]\d{2}:?\d{2}$/.test(text) ? text : `${text.replace(' ', 'T')}Z`,
    );
    return Number.isNaN(time) ? fail(key, `expected a time such as 2026-01-31 12:00:00, found ${JSON.stringify(text)}`) : BigInt(time) * 1000n;
  };
  const time = (): string => between(micros('min', '2026-01-01'), micros('max', '2027-01-01') - 1n);
  if (config.sequence === true) {
    if (type !== 'long') fail('sequence', `expected a column of the type long, found ${type}`);
    return { column, sql: `(${integer('min', 1n)} + i)` };
  }
  const decimal = decimalOf(type);
  if (decimal) return { column, sql: orNull(decimalSql(decimal, config, between, fail)) };
  switch (type) {
    case 'boolean':
      return { column, sql: orNull(`(${bits('value')} % 2 = 0)`) };
    case 'long':
      return { column, sql: orNull(`${between(integer('min', 0n), integer('max', 1_000_000n))}::BIGINT`) };
    case 'double': {
      const [min, max] = [Number(config.min ?? 0), Number(config.max ?? 1_000_000)];
      if (!Number.isFinite(min) || !Number.isFinite(max) || max < min) fail('max', `expected numbers, max at least min, found ${min} and ${max}`);
      return { column, sql: orNull(`(${min}::DOUBLE + (${bits('value')} >> 11)::DOUBLE / 9007199254740992 * ${max - min}::DOUBLE)`) };
    }
    case 'date':
      return {
        column,
        sql: orNull(`(DATE '1970-01-01' + ${between(micros('min', '2026-01-01') / DAY, micros('max', '2027-01-01') / DAY - 1n)}::INTEGER)`),
      };
    case 'timestamp':
      return { column, sql: orNull(`make_timestamptz(${time()}::BIGINT)`) };
    case 'datetime':
      return { column, sql: orNull(`make_timestamp(${time()}::BIGINT)`) };
    case 'json':
      return { column: { ...column, text: {} }, sql: orNull(`('{"n":' || (${bits('value')} % 1000) || '}')`) };
    case 'binary':
      return { column, sql: orNull(`unhex(${hexSql(bits, 2 * (config.length ?? 12))})`) };
    default:
      return { column, sql: orNull(hexSql(bits, config.length ?? 12)) };
  }
}

function hexSql(bits: (use: string) => string, length: number): string {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, k) => `md5(${bits(`text/${k}`)}::VARCHAR)`);
  return `left(${parts.join(' || ')}, ${length})`;
}

function decimalSql(
  { precision, scale }: { readonly precision: number; readonly scale: number },
  config: RandomColumn,
  between: (min: bigint, max: bigint) => string,
  fail: (key: string, message: string) => never,
): string {
  const digits = Math.min(precision, MOST_DIGITS);
  if (scale > digits) return fail('type', `random decimals have at most ${MOST_DIGITS} digits, found a scale of ${scale}`);
  const most = 10n ** BigInt(digits) - 1n;
  const bound = (key: 'min' | 'max', fallback: bigint): bigint => {
    if (config[key] === undefined) return fallback;
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(config[key]));
    const fraction = match?.[3] ?? '';
    if (!match || fraction.length > scale)
      return fail(key, `expected a number with at most ${scale} fraction digits, found ${JSON.stringify(config[key])}`);
    const value = BigInt(`${match[1] ?? ''}${match[2] ?? ''}${fraction.padEnd(scale, '0')}`);
    return value <= most && value >= -most ? value : fail(key, `expected at most ${digits} digits, found ${String(config[key])}`);
  };
  const standard = 1_000_000n * 10n ** BigInt(scale);
  const unscaled = between(bound('min', 0n), bound('max', standard < most ? standard : most));
  const unit = scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`;
  return `(${unscaled}::DECIMAL(18,0) * ${unit}::DECIMAL(${scale + 1},${scale}))::DECIMAL(${precision},${scale})`;
}
