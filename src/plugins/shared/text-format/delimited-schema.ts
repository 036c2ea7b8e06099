import { columnTextProperties } from './column-options.js';

/** Schema of {@link DelimitedConfig} but `delimiter`. */
export const delimitedProperties = {
  quote: { type: 'string', minLength: 1, maxLength: 1, default: '"', description: 'Character around quoted fields.' },
  quote_policy: {
    enum: ['MINIMAL', 'ALL', 'NONE'],
    default: 'MINIMAL',
    description:
      '`MINIMAL` quotes fields that hold a delimiter, a quote or a newline, or look like `null_string`; `ALL` every value; `NONE` writes the escape before such characters instead.',
  },
  escape: {
    type: 'string',
    minLength: 1,
    maxLength: 1,
    description: 'Character before a quote within quotes. Default: the quote itself (RFC 4180); with `NONE` a backslash.',
  },
  header_line: { type: 'boolean', default: true, description: 'Write the names of the columns first, also into a file without records.' },
  null_string: { type: 'string', default: '', description: 'What NULL is written as, without quotes; a value with this text is quoted.' },
  newline: { enum: ['CRLF', 'LF', 'CR'], default: 'CRLF', description: 'End of each line.' },
  newline_in_field: { enum: ['CRLF', 'LF', 'CR', null], description: 'Rewrites newlines within values. Default: they stay as they are.' },
  charset: {
    type: 'string',
    default: 'utf-8',
    description: 'Encoding of the text, any WHATWG label such as shift_jis or utf-16le. A character it cannot write is an error.',
  },
  bom: { type: 'boolean', default: false, description: 'Begin with a byte order mark, as spreadsheets like it.' },
  default_timestamp_format: {
    type: 'string',
    default: '%Y-%m-%d %H:%M:%S.%6N %z',
    description: 'Pattern of timestamp columns without their own; dates and datetimes are written as in ISO 8601.',
  },
  ...columnTextProperties,
} as const;
