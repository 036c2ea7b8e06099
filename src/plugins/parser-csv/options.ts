import { ConfigError, parseColumnType, type ConfigPlace, type SourceColumn, type TextFormat } from '../../core/spi/index.js';
import type { Dialect, NewlineRule } from './dialect.js';
import type { CsvConfig } from './schema.js';

const NEWLINES: Readonly<Record<string, string>> = { CRLF: '\r\n', LF: '\n', CR: '\r' };
const STRAY = 'ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS';

/** The columns as text columns, with their formats. */
export function readColumns(config: CsvConfig, place?: ConfigPlace): readonly SourceColumn[] {
  const seen = new Map<string, string>();
  return config.columns.map((column, i) => {
    const type = parseColumnType(column.type);
    if (type === undefined || type === 'binary') {
      throw configError(
        place,
        `columns[${i}].type`,
        'COLUMN_TYPE',
        `column "${column.name}": "${column.type}" is no type a CSV file can hold`,
        'use boolean, long, double, decimal(p,s), string, date, timestamp, datetime or json',
      );
    }
    const twin = seen.get(column.name.toLowerCase());
    if (twin !== undefined) {
      throw configError(
        place,
        `columns[${i}].name`,
        'COLUMN_TWICE',
        `columns "${twin}" and "${column.name}" have the same name`,
        'names must differ by more than case; rename one of them',
      );
    }
    seen.set(column.name.toLowerCase(), column.name);
    return { name: column.name, type, text: readFormat(config, column, type) };
  });
}

/** What a column says itself is handed on whatever its type, so that the engine can say that it does not fit. */
function readFormat(config: CsvConfig, column: CsvConfig['columns'][number], type: string): TextFormat {
  const hasTime = type === 'timestamp' || type === 'datetime';
  const format = column.format ?? (hasTime ? config.default_timestamp_format : undefined);
  const timezone = column.timezone ?? (type === 'timestamp' ? config.default_timezone : undefined);
  const date = column.date ?? (hasTime ? config.default_date : undefined);
  return { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }), ...(date === undefined ? {} : { date }) };
}

/** The config as a dialect, or an error that says which option is wrong. */
export function readDialect(config: CsvConfig, place?: ConfigPlace): Dialect {
  const quote = oneByte(config.quote === '' ? '"' : config.quote === undefined ? '"' : config.quote, 'quote', place);
  const escape = config.escape === undefined ? quote : oneByte(config.escape === '' ? '\\' : config.escape, 'escape', place);
  const delimiter = config.delimiter ?? ',';
  if (delimiter === '' || /[\r\n]/.test(delimiter))
    throw configError(
      place,
      'delimiter',
      'CSV_DELIMITER',
      `delimiter ${JSON.stringify(delimiter)} cannot separate fields`,
      'use one or more characters other than a newline',
    );
  const bytes = Buffer.from(delimiter);
  if (quote >= 0 && bytes.includes(quote))
    throw configError(place, 'delimiter', 'CSV_DELIMITER', 'the delimiter holds the quote character', 'choose another quote, or quote: null');
  if (config.header_line === true && (config.skip_header_lines ?? 0) > 0) {
    throw configError(place, 'header_line', 'CSV_HEADER', 'header_line and skip_header_lines are both given', 'keep skip_header_lines: 1');
  }
  const nullString = config.null_string ?? undefined;
  if (
    nullString !== undefined &&
    (nullString.includes(delimiter) || (quote >= 0 && nullString.includes(String.fromCharCode(quote))) || /[\r\n]/.test(nullString))
  ) {
    throw configError(
      place,
      'null_string',
      'CSV_NULL_STRING',
      'null_string holds the delimiter, the quote or a newline',
      'choose another text for NULL, or replace values in a filter',
    );
  }
  const recognized = config.line_delimiter_recognized ?? undefined;
  return {
    delimiter: bytes,
    quote,
    escape,
    newlines: recognized === undefined ? 'any' : (recognized.toLowerCase() as NewlineRule),
    comment: config.comment_line_marker ? Buffer.from(config.comment_line_marker) : undefined,
    trim: config.trim_if_not_quoted ?? false,
    strayQuotes: config.quotes_in_quoted_fields === STRAY,
    maxQuoted: config.max_quoted_size_limit ?? Infinity,
    innerNewline: config.newline === undefined ? undefined : Buffer.from(NEWLINES[config.newline] as string),
    columns: config.columns.length,
    allowExtra: config.allow_extra_columns ?? false,
    allowOptional: config.allow_optional_columns ?? false,
    skipLines: config.header_line === true ? 1 : (config.skip_header_lines ?? 0),
    nullString,
  };
}

/** The decoder of a charset, or undefined for UTF-8, which needs none. */
export function readCharset(config: CsvConfig, place?: ConfigPlace): string | undefined {
  const label = config.charset ?? 'utf-8';
  try {
    const name = new TextDecoder(label).encoding;
    return name === 'utf-8' ? undefined : name;
  } catch (cause) {
    throw configError(
      place,
      'charset',
      'CSV_CHARSET',
      `unknown charset "${label}"`,
      'use a WHATWG label such as utf-8, shift_jis, euc-jp, utf-16le or windows-1252',
      cause,
    );
  }
}

function oneByte(text: string | null, option: string, place: ConfigPlace | undefined): number {
  if (text === null) return -1;
  const code = text.charCodeAt(0);
  if (text.length !== 1 || code > 127 || code === 10 || code === 13) {
    throw configError(
      place,
      option,
      'CSV_QUOTE',
      `${option} must be one ASCII character, found ${JSON.stringify(text)}`,
      `${option}: null turns it off`,
    );
  }
  return code;
}

function configError(place: ConfigPlace | undefined, path: string, code: string, message: string, hint: string, cause?: unknown): ConfigError {
  return new ConfigError({
    code,
    message: `${path}: ${message}`,
    hint,
    where: place?.at(path) ?? { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
