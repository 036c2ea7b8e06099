import { flag, ignored, mapped, refused, same, sign, type PluginTable } from '../option-table.js';
import { splitColumnFilter } from '../column-filter.js';

const rename: PluginTable = {
  kind: 'filter',
  type: 'rename',
  plugin: 'standard',
  options: [
    same('columns'),
    same(
      'rules',
      'All seven; `match` of `regex_replace` is a regular expression of Java, but for possessive quantifiers, atomic groups and POSIX classes, which are refused.',
    ),
  ],
};

const removeColumns: PluginTable = {
  kind: 'filter',
  type: 'remove_columns',
  plugin: 'standard',
  options: [same('remove'), same('keep'), flag('accept_unmatched_columns')],
};

const column: PluginTable = {
  kind: 'filter',
  type: 'column',
  plugin: 'embulk-filter-column',
  options: [
    mapped(
      'columns',
      'The columns to keep: `remove_columns` with `keep`, in the order of the input. Entries with `src` or `default` become a filter `column` before it.',
      () => {},
    ),
    sign(mapped('add_columns', 'A filter `column`: `src` is `from`; without `src` and `default` the column is NULL.', () => {})),
    sign(mapped('drop_columns', '`remove_columns` with `remove`.', () => {})),
    mapped('columns[].src', '`from`. JSON paths (`$.a.b`) are refused: use the filter expand_json.', () => {}),
    same('columns[].default'),
    same('columns[].type', 'Only beside `default`.'),
    same('columns[].format'),
    same('columns[].timezone'),
    mapped('default_timezone', '`timezone` of each timestamp entry.', () => {}),
    mapped('default_timestamp_format', '`format` of each timestamp entry.', () => {}),
  ],
  split: splitColumnFilter,
};

const addTime: PluginTable = {
  kind: 'filter',
  type: 'add_time',
  plugin: 'embulk-filter-add_time',
  options: [
    same('to_column'),
    same('to_column.name'),
    same('to_column.type', 'Default here: timestamp.'),
    same('to_column.unix_timestamp_unit', '`sec`, `milli`.'),
    same('from_column'),
    same('from_column.name'),
    same('from_column.unix_timestamp_unit'),
    same('from_column.timestamp_format'),
    same('from_column.timezone'),
    same('from_value'),
    same('from_value.mode', '`upload_time` and `fixed_time`; `incremental_time` is refused.'),
    same('from_value.value'),
    refused('from_value.from', 'use fixed_time with a value'),
    refused('from_value.to', 'use fixed_time with a value'),
  ],
};

const speedometer: PluginTable = {
  kind: 'filter',
  type: 'speedometer',
  plugin: 'embulk-filter-speedometer',
  sign: true,
  options: [
    ignored('speed_limit', 'runs show their speed by themselves; rows_per_second of a database input limits it'),
    ...['max_sleep_millisec', 'delimiter', 'log_interval_seconds', 'record_padding_size', 'label', 'column_options', 'default_timezone'].map((key) =>
      ignored(key, 'runs show their speed by themselves'),
    ),
  ],
  split(section) {
    if (Object.keys(section.given).length === 1) section.ignore('type', 'runs show their speed by themselves');
    return [];
  },
};

export const filterTables: readonly PluginTable[] = [rename, removeColumns, column, addTime, speedometer];
