import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const csvSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['columns'],
  properties: {
    type: { const: 'csv', description: 'Selects this parser.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'The columns in the order of the file. Names are free: they need not match the header.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Column name in the target.' },
          type: {
            type: 'string',
            'x-column-type': true,
            description: 'boolean, long, double, decimal(p,s), string, date, timestamp, datetime or json.',
          },
          format: {
            type: 'string',
            description: 'Pattern of date, timestamp and datetime values, e.g. `%Y-%m-%d %H:%M:%S`. Default: default_timestamp_format.',
          },
          timezone: { type: 'string', description: 'IANA zone of timestamps whose text has no offset. Default: default_timezone.' },
          date: { type: 'string', description: 'Date (YYYY-MM-DD) for patterns that hold only a time. Default: default_date.' },
        },
      },
    },
    delimiter: { type: 'string', minLength: 1, default: ',', description: 'Text between two fields; may have several characters.' },
    quote: {
      type: ['string', 'null'],
      default: '"',
      description: 'One ASCII character around quoted fields. An empty text means `"`; null turns quoting off.',
    },
    escape: {
      type: ['string', 'null'],
      default: '"',
      description:
        "One ASCII character that, within quotes, takes a quote or itself literally; a doubled quote always does. Default: the quote itself (RFC 4180); Embulk's default is `\\`. null: only the doubled quote.",
    },
    skip_header_lines: { type: 'integer', minimum: 0, default: 0, description: 'Physical lines to skip at the start of each file.' },
    header_line: { type: 'boolean', description: 'true is an older spelling of skip_header_lines: 1.' },
    match_columns: {
      enum: ['name', 'position'],
      default: 'name',
      description:
        'Where a header is skipped, files whose header has the same names in another order are mapped by name, and missing or extra names are an error. position: the header is not looked at.',
    },
    null_string: {
      type: ['string', 'null'],
      default: null,
      description: 'Text that means NULL, quoted or not. null: an unquoted empty field is NULL, a quoted one is an empty text.',
    },
    trim_if_not_quoted: { type: 'boolean', default: false, description: 'Drops spaces around unquoted values.' },
    quotes_in_quoted_fields: {
      enum: ['ACCEPT_ONLY_RFC4180_ESCAPED', 'ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS'],
      default: 'ACCEPT_ONLY_RFC4180_ESCAPED',
      description: 'The second value takes a quote inside a quoted field literally unless a delimiter or the end of the line follows.',
    },
    max_quoted_size_limit: {
      type: 'integer',
      minimum: 1,
      description: 'Longest quoted value in UTF-16 units; a longer one is rejected. Default: none, but no record may be longer than 2 MB.',
    },
    comment_line_marker: { type: ['string', 'null'], minLength: 1, default: null, description: 'Records that start with this text are skipped.' },
    allow_optional_columns: { type: 'boolean', default: false, description: 'Missing fields at the end of a record are NULL instead of a reject.' },
    allow_extra_columns: { type: 'boolean', default: false, description: 'Further fields at the end of a record are dropped instead of a reject.' },
    stop_on_invalid_record: {
      type: 'boolean',
      description: 'Accepted from Embulk configs. Bad records are rejects; max_rejects (default 0) decides when a run stops.',
    },
    charset: {
      type: 'string',
      default: 'utf-8',
      description:
        'Encoding of the text, any WHATWG label: utf-8, utf-16le, shift_jis, euc-jp, windows-1252 (also for iso-8859-1), gb18030 … Malformed bytes reject their record.',
    },
    newline: { enum: ['CRLF', 'LF', 'CR'], description: 'Rewrites newlines inside quoted values. Default: they are kept as they are in the file.' },
    line_delimiter_recognized: {
      enum: ['CRLF', 'LF', 'CR', null],
      default: null,
      description: 'The only newline that ends a line. null: any of CRLF, LF and CR.',
    },
    default_timezone: { type: 'string', default: 'UTC', description: 'IANA zone of timestamps whose text has no offset.' },
    default_date: { type: 'string', default: '1970-01-01', description: 'Date for patterns that hold only a time.' },
    default_timestamp_format: { type: 'string', description: 'Pattern of timestamp and datetime columns without their own. Default: ISO 8601.' },
  },
} as const satisfies ConfigSchema;

export type CsvConfig = FromSchema<typeof csvSchema>;
