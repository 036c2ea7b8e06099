import { COLUMN_TYPE_NAMES, parseColumnType, type ConfigPlace, type SourceColumn, type TextFormat } from '../../core/spi/index.js';
import { configProblem } from './config-problem.js';

/** A column whose values are text in the source, as configs declare it. */
export interface TextColumnConfig {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly timezone?: string;
  readonly date?: string;
}

/** Formats of columns that give none themselves. */
export interface TextDefaults {
  readonly default_timezone?: string;
  readonly default_timestamp_format?: string;
  readonly default_date?: string;
}

/** Schema of such a column; shared so that all parsers mean the same. */
export const TEXT_COLUMN_PROPERTIES = {
  name: { type: 'string', minLength: 1, description: 'Column name in the target.' },
  type: {
    type: 'string',
    'x-column-type': true,
    description: 'boolean, long, double, decimal(p,s), string, date, timestamp, datetime, json or binary. Text that does not convert is rejected.',
  },
  format: {
    type: 'string',
    description: 'Pattern of date, timestamp and datetime values, e.g. `%Y-%m-%d %H:%M:%S`; base64 or hex for binary.',
  },
  timezone: { type: 'string', description: 'IANA zone of timestamps whose text has no offset. Default: default_timezone.' },
  date: { type: 'string', description: 'Date (YYYY-MM-DD) for patterns that hold only a time. Default: default_date.' },
} as const;

/** Schema of {@link TextDefaults}. */
export const TEXT_DEFAULT_PROPERTIES = {
  default_timezone: { type: 'string', default: 'UTC', description: 'IANA zone of timestamps whose text has no offset.' },
  default_date: { type: 'string', default: '1970-01-01', description: 'Date for patterns that hold only a time.' },
  default_timestamp_format: { type: 'string', description: 'Pattern of timestamp and datetime columns without their own. Default: ISO 8601.' },
} as const;

/** For errors that cannot arise any more: `plan` has read the same config with its place. */
const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

/** The columns as text columns with their formats, or an error at the column that is wrong. */
export function readTextColumns(columns: readonly TextColumnConfig[], defaults: TextDefaults, place: ConfigPlace = NOWHERE): readonly SourceColumn[] {
  const seen = new Map<string, string>();
  return columns.map((column, i) => {
    const type = parseColumnType(column.type);
    if (type === undefined) {
      throw configProblem(place, `columns[${i}].type`, {
        code: 'UNKNOWN_COLUMN_TYPE',
        message: `expected a column type, found "${column.type}"`,
        hint: `use one of ${COLUMN_TYPE_NAMES.join(', ')}`,
      });
    }
    const twin = seen.get(column.name.toLowerCase());
    if (twin !== undefined) {
      throw configProblem(place, `columns[${i}].name`, {
        code: 'COLUMN_TWICE',
        message: `columns "${twin}" and "${column.name}" have the same name`,
        hint: 'names must differ by more than case; rename one of them',
      });
    }
    seen.set(column.name.toLowerCase(), column.name);
    return { name: column.name, type, text: readFormat(column, type, defaults) };
  });
}

/** What a column says itself is handed on whatever its type, so that the engine can say that it does not fit. */
function readFormat(column: TextColumnConfig, type: string, defaults: TextDefaults): TextFormat {
  const hasTime = type === 'timestamp' || type === 'datetime';
  const format = column.format ?? (hasTime ? defaults.default_timestamp_format : undefined);
  const timezone = column.timezone ?? (type === 'timestamp' ? defaults.default_timezone : undefined);
  const date = column.date ?? (hasTime ? defaults.default_date : undefined);
  return { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }), ...(date === undefined ? {} : { date }) };
}

/** The WHATWG name of a charset, `utf-8` by default. */
export function readCharset(label: string | undefined, place: ConfigPlace = NOWHERE): string {
  try {
    return new TextDecoder(label ?? 'utf-8').encoding;
  } catch (cause) {
    throw configProblem(place, 'charset', {
      code: 'CHARSET_UNKNOWN',
      message: `unknown charset "${label ?? ''}"`,
      hint: 'use a WHATWG label such as utf-8, shift_jis, euc-jp, utf-16le or windows-1252',
      cause,
    });
  }
}
