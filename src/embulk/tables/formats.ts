import { flag, number, same, text, type PluginTable } from '../option-table.js';

const csvFormatter: PluginTable = {
  kind: 'formatter',
  type: 'csv',
  plugin: 'standard',
  options: [
    text('delimiter'),
    same('quote'),
    same('quote_policy', 'With `NONE` the escape itself is escaped, too.'),
    same('escape'),
    flag('header_line'),
    text('null_string'),
    same('newline'),
    same('newline_in_field', 'Embulk’s default LF is written out.'),
    same('charset'),
    text('default_timezone'),
    text('default_timestamp_format'),
    same('column_options'),
    same('column_options.<name>.format'),
    same('column_options.<name>.timezone'),
  ],
  additions: ['bom'],
  complete(section, { defaults }) {
    if (defaults && section.given['newline_in_field'] === undefined)
      section.add('newline_in_field', 'LF', 'Embulk’s default: newlines within values become LF; without this line they stay');
  },
};

export const formatTables: readonly PluginTable[] = [
  { kind: 'decoder', type: 'gzip', plugin: 'standard', options: [] },
  { kind: 'decoder', type: 'bzip2', plugin: 'standard', options: [] },
  csvFormatter,
  { kind: 'encoder', type: 'gzip', plugin: 'standard', options: [number('level')] },
  { kind: 'encoder', type: 'bzip2', plugin: 'standard', options: [number('level')] },
];
