import { asFlag, flag, mapped, number, refused, same, sign, text, type OptionRule, type PluginTable } from '../option-table.js';
import type { JsonValue } from '../../core/spi/index.js';
import { asMapping } from '../mapping.js';
import type { Section } from '../section.js';

/** `java:` patterns are another language. */
function checkFormats(section: Section): void {
  const columns = section.given['columns'];
  const formats = [
    ...(Array.isArray(columns) ? (columns as readonly { readonly format?: unknown }[]).map((column) => column.format) : []),
    section.given['default_timestamp_format'],
  ];
  const java = formats.find((format) => typeof format === 'string' && format.startsWith('java:'));
  if (java !== undefined)
    section.refuse('columns', `time formats of Java are not supported, found "${String(java)}"`, 'write it as in strptime, e.g. %Y-%m-%d %H:%M:%S');
}

/** Embulk takes the options of times at every column, and reads them at timestamps alone. */
function dropUnusedFormats(section: Section): void {
  const { columns } = section.given;
  if (!Array.isArray(columns)) return;
  const kept = (columns as readonly JsonValue[]).map((column) => {
    const entry = asMapping(column);
    if (entry === undefined || typeof entry['type'] !== 'string' || !TIMELESS.has(entry['type'])) return column;
    return Object.fromEntries(Object.entries(entry).filter(([key]) => !TIME_KEYS.has(key)));
  });
  if (JSON.stringify(kept) === JSON.stringify(columns)) return;
  section.set('columns', kept);
  section.ignore('columns', 'format, timezone and date are for timestamp columns');
}

const TIMELESS: ReadonlySet<string> = new Set(['boolean', 'long', 'double', 'string', 'json']);
const TIME_KEYS: ReadonlySet<string> = new Set(['format', 'timezone', 'date']);

const times: readonly OptionRule[] = [
  text('default_timezone'),
  text('default_date'),
  text('default_timestamp_format', '`java:` patterns are refused, `ruby:` is ignored. Default: ISO 8601.'),
];

const columnNotes: readonly OptionRule[] = [
  same('columns[].name'),
  same('columns[].type', 'Beside Embulk’s types also decimal(p,s), date, datetime, binary.'),
  same('columns[].format', '`java:` patterns are refused.'),
  same('columns[].timezone'),
  same('columns[].date'),
];

const csvParser: PluginTable = {
  kind: 'parser',
  type: 'csv',
  plugin: 'standard',
  options: [
    same('columns'),
    ...columnNotes,
    text('delimiter'),
    same('quote'),
    same('escape', 'Embulk’s default `\\` is written out.'),
    number('skip_header_lines'),
    mapped('header_line', '`true` is `skip_header_lines: 1`.', (section, value) => {
      if (asFlag(value) === true && section.given['skip_header_lines'] === undefined)
        section.map('skip_header_lines', 1, 'header_line', 'header_line of Embulk');
      else if (asFlag(value) !== false) section.set('header_line', value);
    }),
    same('null_string'),
    flag('trim_if_not_quoted'),
    same('quotes_in_quoted_fields'),
    number('max_quoted_size_limit', 'Default: none, where Embulk drops rows with more than 131,072.'),
    same('comment_line_marker'),
    flag('allow_optional_columns'),
    flag('allow_extra_columns'),
    sign(
      mapped(
        'stop_on_invalid_record',
        'Bad records are rejects: `exec.max_rejects` is 0 either way; 100% is what Embulk’s default does.',
        (section) =>
          section.ignore(
            'stop_on_invalid_record',
            'bad records are rejects, and exec.max_rejects (default 0) says how many may be; 100% is Embulk’s false',
          ),
      ),
    ),
    same('charset', 'Malformed bytes reject their record.'),
    same('newline', 'Embulk’s default CRLF for newlines within values is written out.'),
    same('line_delimiter_recognized'),
    ...times,
  ],
  additions: ['match_columns'],
  complete(section, { defaults }) {
    checkFormats(section);
    dropUnusedFormats(section);
    if (!defaults) return;
    if (section.given['escape'] === undefined) section.add('escape', '\\', 'Embulk’s default');
    if (section.given['newline'] === undefined)
      section.add('newline', 'CRLF', 'Embulk’s default: newlines within values become CRLF; without this line they stay');
    if (section.given['match_columns'] === undefined) section.add('match_columns', 'position', 'Embulk does not look at the header');
  },
};

const jsonParser: PluginTable = {
  kind: 'parser',
  type: 'json',
  plugin: 'standard',
  options: [
    same('columns'),
    ...columnNotes,
    same('columns[].element_at'),
    text('root'),
    flag('flatten_json_array'),
    same('invalid_string_escapes'),
    flag('stop_on_invalid_record', '`exec.max_rejects` is 0 either way; 100% is what Embulk’s default does.'),
    ...times,
    refused('schema', 'write columns'),
  ],
  complete(section) {
    checkFormats(section);
    dropUnusedFormats(section);
  },
};

export const parserTables: readonly PluginTable[] = [csvParser, jsonParser];
