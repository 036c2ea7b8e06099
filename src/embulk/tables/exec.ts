import { ignored, number, same, sign, type PluginTable } from '../option-table.js';

export const execTable: PluginTable = {
  kind: 'exec',
  type: '',
  plugin: 'exec',
  options: [
    number('max_threads', 'Default: cores instead of twice the cores.'),
    sign(ignored('min_output_tasks', 'rows are not scattered over output tasks')),
    sign(ignored('type', 'there is one executor')),
    same('guess_plugins'),
    same('exclude_guess_plugins'),
    number('guess_sample_buffer_bytes', 'Default: 1 MiB instead of 32 kB.'),
    number('preview_sample_buffer_bytes', 'Default: 1 MiB instead of 32 kB.'),
    sign(ignored('page_size', 'there are no pages')),
  ],
  additions: ['max_rejects', 'memory_limit', 'temp_dir', 'segment_size_bytes', 'retry'],
};
