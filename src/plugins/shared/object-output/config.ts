import { BugError, type FileFormat } from '../../../core/spi/index.js';

/** The keys that all outputs made of objects share; {@link objectOutputProperties} is their schema. */
export interface ObjectOutputConfig {
  /** Folder and beginning of the names, e.g. `out/orders_`; exactly one of it and `path`. */
  readonly path_prefix?: string;
  /** The whole name, for runs that make one file. */
  readonly path?: string;
  readonly mode: 'append' | 'insert' | 'replace';
  readonly overwrite: boolean;
  readonly sequence_format?: string;
  readonly file_ext?: string;
  readonly max_file_size?: string | number;
  readonly partition_by?: readonly string[];
  readonly allow_empty: boolean;
  /** Filled in from `formatter` and `encoders`. */
  readonly format: FileFormat;
}

/** Schema of {@link ObjectOutputConfig}; spread it into `properties`. */
export const objectOutputProperties = {
  path_prefix: {
    type: 'string',
    minLength: 1,
    description: 'Folder and beginning of the names, e.g. `out/orders_`. Either this or `path`.',
  },
  path: { type: 'string', minLength: 1, description: 'The whole name, for a run that makes one file, e.g. `out/orders.csv.gz`.' },
  mode: {
    enum: ['append', 'insert', 'replace'],
    default: 'append',
    description: '`append` (also `insert`) adds files; `replace` writes the new ones and then deletes those of the runs before.',
  },
  overwrite: { type: 'boolean', default: false, description: 'An existing file of another run may be replaced; else it is an error.' },
  sequence_format: {
    type: 'string',
    description:
      'How files are numbered, printf-like: the first number is the task, the second the file within it, e.g. `%03d.%02d`. Default: the run id and both numbers, so that no two runs make the same name.',
  },
  file_ext: { type: 'string', description: 'Ending of the names; default: what formatter and encoders say, e.g. `.csv.gz`.' },
  max_file_size: {
    type: ['string', 'integer'],
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]i?)?[bB]?\\s*$',
    minimum: 1,
    'x-expected': 'a size such as 100MB or 1GiB',
    description: 'A file that has about this size (before encoders) is ended at a record, and the next one begun.',
  },
  partition_by: {
    type: 'array',
    minItems: 1,
    items: { type: 'string', minLength: 1 },
    description: 'Columns that become folders `column=value/`, percent-encoded, and leave the files.',
  },
  allow_empty: { type: 'boolean', default: false, description: 'Let `replace` delete the old files when there is nothing to read.' },
} as const;

/** Folder (empty or ending with `/`) and what follows it. */
export function splitTarget(config: Pick<ObjectOutputConfig, 'path' | 'path_prefix'>): { readonly folder: string; readonly stem: string } {
  const text = config.path ?? config.path_prefix;
  if (text === undefined) throw new BugError({ code: 'NO_PATH', message: 'an output without path_prefix reached its plugin' });
  const end = text.lastIndexOf('/') + 1;
  return { folder: text.slice(0, end), stem: text.slice(end) };
}

/** Bytes of `100MB` (10^6), `1GiB` (2^30), `4096`. */
export function readSize(size: string | number): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([KMGT])(i)?)?B?\s*$/i.exec(String(size));
  const power = match?.[2] === undefined ? 0 : ' KMGT'.indexOf(match[2].toUpperCase());
  return Math.floor(Number(match?.[1]) * (match?.[3] === undefined ? 1000 : 1024) ** power);
}
