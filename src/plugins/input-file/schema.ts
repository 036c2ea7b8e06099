import type { ConfigSchema } from '../../core/spi/index.js';

export const fileInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'file', description: 'Files of this machine, or standard input.' },
    path_prefix: {
      type: 'string',
      minLength: 1,
      description:
        'Start of the paths, e.g. `data/orders_`: all files and all files of folders whose path starts so. Names that start with `.` or `_` are left out.',
    },
    paths: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Files, folders (read with their sub-folders) and globs such as `data/**/*.csv.gz`; `-` is standard input.',
    },
    last_path: { type: 'string', description: 'Only files after this path, in byte order of the full paths, are read (the cursor of Embulk).' },
    follow_symlinks: { type: 'boolean', default: false, description: 'Read files and folders behind symbolic links, too.' },
    hive_partitioning: { type: 'boolean', default: true, description: 'Folders named `key=value` below the base become columns.' },
    allow_empty: { type: 'boolean', default: false, description: 'No file matched is no error: nothing is loaded.' },
    incremental: { type: 'boolean', default: true, description: 'Load each file once: files that an earlier run loaded are skipped.' },
    on_changed: {
      enum: ['error', 'skip', 'reload', 'tail'],
      default: 'error',
      description:
        'What to do with a loaded file whose content changed: stop, leave it, load it again (with merge, truncate or replace), or load only what was appended.',
    },
  },
} as const satisfies ConfigSchema;
