import { ConfigError, ownValue, quoteIdentifier, quoteLiteral, type Column, type ColumnType, type ConfigPlace } from '../../../core/spi/index.js';
import type { TableOutputConfig } from './schema.js';
import type { TargetColumn } from './target-column.js';

/** What is written for a column of the load: SQL of DuckDB over its columns, and the type of its values. */
export interface WrittenValue {
  readonly sql: string;
  readonly type: ColumnType;
}

const TEXT_TYPES: readonly (string | undefined)[] = ['string', 'nstring'];

/** The column itself, unless its options ask for a text or a time in another zone. */
export function writtenValue(
  column: Column,
  target: TargetColumn,
  config: Pick<TableOutputConfig, 'column_options' | 'default_timezone'>,
  place: ConfigPlace,
): WrittenValue {
  const option = ownValue(config.column_options, column.name) ?? {};
  const sql = quoteIdentifier(column.name);
  const { type } = column;
  const isTime = type === 'timestamp' || type === 'datetime' || type === 'date';
  const key = `column_options.${column.name}`;
  const asText = TEXT_TYPES.includes(option.value_type) || (option.timestamp_format !== undefined && target.family.kind === 'text');
  if (!isTime) return asText && type !== 'string' && type !== 'binary' ? { sql: `${sql}::VARCHAR`, type: 'string' } : { sql, type };
  const zone = readZone(option.timezone ?? config.default_timezone, place, option.timezone === undefined ? 'default_timezone' : `${key}.timezone`);
  const local = type === 'timestamp' ? `timezone(${quoteLiteral(zone)}, ${sql})` : `${sql}::TIMESTAMP`;
  if (asText) {
    const format = strftimeFormat(option.timestamp_format ?? '%Y-%m-%d %H:%M:%S.%6N', zone, place, `${key}.timestamp_format`);
    return { sql: `strftime(${local}, ${quoteLiteral(format)})`, type: 'string' };
  }
  if (target.family.kind !== 'timestamp' || zone === 'UTC') return { sql, type };
  if (type === 'timestamp' && !target.family.zoned) return { sql: local, type: 'datetime' };
  if (type === 'datetime' && target.family.zoned) return { sql: `timezone(${quoteLiteral(zone)}, ${sql})`, type: 'timestamp' };
  return { sql, type };
}

/** An IANA name; Embulk's `-0700` as the name that stands for it. */
function readZone(text: string, place: ConfigPlace, path: string): string {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(text) ?? [];
  if (hours !== undefined && minutes === '00') return Number(hours) === 0 ? 'UTC' : `Etc/GMT${sign === '+' ? '-' : '+'}${Number(hours)}`;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone === 'UTC' ? 'UTC' : text;
  } catch (cause) {
    throw new ConfigError({
      code: 'UNKNOWN_TIMEZONE',
      message: `${path}: expected a time zone, found "${text}"`,
      hint: 'name a zone of the IANA list, such as Asia/Tokyo, or whole hours such as +09:00',
      where: place.at(path),
      cause,
    });
  }
}

/** Ruby's fractions in DuckDB's words; an offset is a text of its own. */
function strftimeFormat(format: string, zone: string, place: ConfigPlace, path: string): string {
  const fixed = zone === 'UTC' ? '+0000' : /^Etc\/GMT([+-])(\d+)$/.test(zone) ? offsetOf(zone) : undefined;
  return format.replaceAll(/%(\d?)([A-Za-z%])/g, (spec: string, digits: string, letter: string) => {
    if (letter === 'N') return digits === '3' ? '%g' : digits === '6' ? '%f' : '%n';
    if (letter === 'L') return '%g';
    if (letter !== 'z' && letter !== 'Z') return spec;
    if (letter === 'Z') return zone;
    if (fixed !== undefined) return fixed;
    throw new ConfigError({
      code: 'TARGET_FORMAT',
      message: `${path}: %z is known for UTC and zones of whole hours, not for ${zone}`,
      hint: 'write the time in UTC, or in a zone such as +09:00',
      where: place.at(path),
    });
  });
}

function offsetOf(zone: string): string {
  const [, sign, hours = ''] = /^Etc\/GMT([+-])(\d+)$/.exec(zone) ?? [];
  return `${sign === '-' ? '+' : '-'}${hours.padStart(2, '0')}00`;
}
