import { asFlag, ignored, mapped, same, sign, text, type PluginTable } from '../option-table.js';
import type { Section } from '../section.js';
import { s3Additions, s3Options } from './s3-connection.js';

/** Keys of outputs made of objects that Embulk has not. */
const objectAdditions: readonly string[] = ['overwrite', 'max_file_size', 'partition_by', 'allow_empty'];

function completeNames(section: Section, sequence: string): void {
  if (section.given['sequence_format'] === undefined) section.add('sequence_format', sequence, 'Embulk’s default');
  if (section.given['overwrite'] === undefined)
    section.add('overwrite', true, 'Embulk overwrites files of an earlier run; without this line that is an error');
}

const fileOutput: PluginTable = {
  kind: 'output',
  type: 'file',
  plugin: 'standard',
  options: [
    text('path_prefix', 'Relative paths start at the project’s folder.'),
    text('file_ext'),
    text('sequence_format', 'Embulk’s default `%03d.%02d.` is written out. How many tasks there are differs.'),
  ],
  additions: [...objectAdditions, 'mode'],
  complete(section, { defaults }) {
    if (defaults) completeNames(section, '%03d.%02d.');
  },
};

const s3Output: PluginTable = {
  kind: 'output',
  type: 's3',
  plugin: 'embulk-output-s3',
  options: [
    text('path_prefix'),
    mapped('file_ext', 'With a leading dot, which Embulk adds.', (section, value) =>
      section.set('file_ext', typeof value === 'string' && !value.startsWith('.') ? `.${value}` : value),
    ),
    text('sequence_format', 'Embulk’s default `.%03d.%02d` is written out.'),
    ...s3Options,
    same('canned_acl'),
    sign(ignored('tmp_path', 'files are staged in exec.temp_dir')),
    sign(ignored('tmp_path_prefix', 'files are staged in exec.temp_dir')),
  ],
  additions: [...objectAdditions, ...s3Additions, 'mode', 'storage_class', 'server_side_encryption', 'kms_key_id'],
  complete(section, { defaults }) {
    if (defaults) completeNames(section, '.%03d.%02d');
  },
};

const stdoutOutput: PluginTable = {
  kind: 'output',
  type: 'stdout',
  plugin: 'standard',
  options: [
    sign(mapped('prints_column_names', '`formatter: {type: csv, header_line: true}`.', () => {})),
    sign(mapped('timezone', '`formatter: {type: csv, default_timezone: …}`.', () => {})),
  ],
  additions: ['formatter', 'encoders'],
  complete(section) {
    if (section.given['formatter'] !== undefined) return;
    const { prints_column_names: header = false, timezone } = section.given;
    const formatter = {
      type: 'csv',
      header_line: asFlag(header) === true,
      newline: 'LF',
      ...(timezone === undefined ? {} : { default_timezone: timezone }),
    };
    section.map('formatter', formatter, 'type', 'rows as CSV with quotes where they are needed; Embulk joins them with commas');
  },
};

const nullOutput: PluginTable = { kind: 'output', type: 'null', plugin: 'standard', options: [] };

export const fileOutputTables: readonly PluginTable[] = [fileOutput, s3Output, stdoutOutput, nullOutput];
