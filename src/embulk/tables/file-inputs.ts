import { asFlag, flag, ignored, mapped, number, same, sign, text, type PluginTable } from '../option-table.js';
import type { Section } from '../section.js';
import { s3Additions, s3Options } from './s3-connection.js';

const READS_ALL = 'without -c Embulk reads everything at each run; without this line each file is loaded once';

/** Embulk knows no columns in folder names, and keeps no state unless it is given a file for it. */
function completeFiles(section: Section, incremental: boolean): void {
  section.add('hive_partitioning', false, 'Embulk takes no columns from folder names');
  if (!incremental) section.add('incremental', false, READS_ALL);
}

const fileInput: PluginTable = {
  kind: 'input',
  type: 'file',
  plugin: 'standard',
  options: [
    text('path_prefix', 'Relative paths start at the project’s folder. Names that start with `.` or `_` are left out.'),
    text('last_path'),
    flag('follow_symlinks'),
  ],
  additions: ['paths', 'allow_empty', 'incremental', 'on_changed', 'hive_partitioning'],
  complete(section, { incremental, defaults }) {
    if (defaults) completeFiles(section, incremental);
  },
};

const s3Input: PluginTable = {
  kind: 'input',
  type: 's3',
  plugin: 'embulk-input-s3',
  options: [
    ...s3Options,
    text('path_prefix', 'Names that start with `.` or `_` are left out.'),
    text('path', 'Wins over `path_prefix`.'),
    text('path_match_pattern'),
    number('total_file_count_limit'),
    sign(ignored('min_task_size', 'small objects always share a task')),
    text('last_path'),
    mapped('incremental', '`false` without `-c`, with it as given.', (section, value) => {
      if (asFlag(value) === false) section.set('incremental', false);
    }),
    flag('use_modified_time'),
    text('last_modified_time'),
    flag('skip_glacier_objects'),
  ],
  additions: [...s3Additions, 'allow_empty', 'on_changed', 'hive_partitioning'],
  complete(section, { incremental, defaults }) {
    if (defaults) completeFiles(section, incremental || section.out['incremental'] === false);
  },
};

const configInput: PluginTable = {
  kind: 'input',
  type: 'config',
  plugin: 'embulk-input-config',
  options: [same('columns'), same('values'), text('default_timezone'), text('default_timestamp_format'), text('default_date')],
};

export const fileInputTables: readonly PluginTable[] = [fileInput, s3Input, configInput];
