import { ownValue, type JsonObject, type JsonValue } from '../../../core/spi/index.js';

export interface FileOptions {
  /** `formatter` and `encoders`. */
  readonly format: JsonObject;
  /** Options of the output itself. */
  readonly rest: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

const FORMATS: Readonly<Record<string, string>> = { csv: 'csv', tsv: 'tsv', jsonl: 'jsonl', ndjson: 'jsonl', json: 'json', parquet: 'parquet' };
const ENCODERS: Readonly<Record<string, string>> = { gz: 'gzip', gzip: 'gzip', zst: 'zstd', zstd: 'zstd', bz2: 'bzip2', bzip2: 'bzip2' };
const DELIMITERS: Readonly<Record<string, string>> = { comma: ',', tab: '\t', '\\t': '\t', pipe: '|', semicolon: ';' };
const NEWLINES: Readonly<Record<string, string>> = { '\r\n': 'CRLF', '\\r\\n': 'CRLF', '\n': 'LF', '\\n': 'LF', '\r': 'CR', '\\r': 'CR' };
/** Names of Treasure Data's URLs for the keys of the csv and tsv formatters. */
const TEXT_OPTIONS: Readonly<Record<string, string>> = {
  header: 'header_line',
  header_line: 'header_line',
  null: 'null_string',
  null_value: 'null_string',
  null_string: 'null_string',
  newline: 'newline',
  quote: 'quote',
  escape: 'escape',
  quote_policy: 'quote_policy',
  delimiter: 'delimiter',
  charset: 'charset',
  bom: 'bom',
};

/** Splits a URL's options into the format of the file and what is left; the ending of the name decides where no option does. */
export function splitFileOptions(path: string, query: URLSearchParams): FileOptions {
  const rest = new Map<string, string>();
  const text: Record<string, JsonValue> = {};
  const notes: string[] = [];
  let format: string | undefined;
  let compression: string | undefined;
  for (const [name, value] of query) {
    const textOption = ownValue(TEXT_OPTIONS, name);
    if (name === 'format') format = value;
    else if (name === 'compression') compression = value;
    else if (name === 'part_size') notes.push('part_size is not needed: the size of parts follows the size of the object');
    else if (textOption !== undefined) text[textOption] = textValue(textOption, value);
    else rest.set(name, value);
  }
  const [ending, encoding] = endingsOf(path);
  const encoder = compression === undefined ? encoding : (ENCODERS[compression.toLowerCase()] ?? (compression === 'none' ? undefined : compression));
  const type = format === undefined ? (ending ?? 'csv') : (FORMATS[format.toLowerCase()] ?? format);
  return { format: { formatter: { type, ...text }, ...(encoder === undefined ? {} : { encoders: [{ type: encoder }] }) }, rest, notes };
}

/** Formatter and encoder that the endings of a name mean. */
function endingsOf(path: string): readonly [string | undefined, string | undefined] {
  const endings = (/\/?([^/]*)$/.exec(path)?.[1] ?? '').toLowerCase().split('.').slice(1);
  const encoder = ENCODERS[endings.at(-1) ?? ''];
  return [FORMATS[endings.at(encoder === undefined ? -1 : -2) ?? ''], encoder];
}

function textValue(option: string, value: string): JsonValue {
  switch (option) {
    case 'header_line':
    case 'bom':
      return value === 'true' || value === 'yes' || value === '1';
    case 'newline':
      return NEWLINES[value] ?? value.toUpperCase();
    case 'delimiter':
      return DELIMITERS[value.toLowerCase()] ?? value;
    case 'quote_policy':
      return value.toUpperCase();
    default:
      return value;
  }
}
