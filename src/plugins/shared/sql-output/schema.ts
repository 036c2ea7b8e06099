/** Embulk's, of outputs to databases. */
const VALUE_TYPES = [
  ...['byte', 'short', 'int', 'long', 'double', 'float', 'boolean', 'string', 'nstring'],
  ...['date', 'time', 'timestamp', 'decimal', 'json', 'pass', 'coerce'],
] as const;

/** Config keys of an output that writes to a table of a SQL database; spread into a plugin's `properties` beside the connection's. */
export const tableOutputProperties = {
  table: { type: 'string', minLength: 1, description: 'Table to write, as `name` or `schema.name`; made when it does not exist.' },
  mode: {
    enum: ['append', 'insert', 'insert_direct', 'truncate', 'truncate_insert', 'replace', 'merge', 'merge_direct'],
    description:
      '`append` adds rows (also `insert`, `insert_direct`); `truncate` replaces the rows and keeps the table (also `truncate_insert`); ' +
      '`replace` replaces rows and columns; `merge` updates rows with the same `keys` and adds the others (also `merge_direct`).',
  },
  keys: {
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    description: 'For `merge`: the columns that tell rows apart. Default: the primary key of the table.',
  },
  merge_keys: {
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    'x-advanced': true,
    description: 'Embulk’s spelling of `keys`.',
  },
  merge_order_by: {
    type: 'array',
    minItems: 1,
    items: { type: 'string', minLength: 1 },
    description:
      'For `merge`: of several rows with one key in a load the last by these columns wins, e.g. `[updated_at]` or `["version desc"]`. Without it they are an error.',
  },
  merge_rule: {
    type: 'array',
    minItems: 1,
    items: { type: 'string', minLength: 1 },
    description:
      'For `merge`: assignments for rows that exist, such as `count = T.count + S.count` (T: the table, S: the load). Default: every column but the keys is overwritten.',
  },
  delete_column: {
    type: 'string',
    minLength: 1,
    description:
      'For `merge`: a boolean column of the load. Where it is true the rows with these keys are deleted; the column itself is not written.',
  },
  schema_evolution: {
    enum: ['strict', 'add'],
    default: 'strict',
    description: 'What happens to columns that the table lacks: `strict` is an error that names them, `add` adds them.',
  },
  column_options: {
    type: 'object',
    default: {},
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      properties: {
        type: { type: 'string', minLength: 1, description: 'Type of the column in the table that is made, in the database’s own words.' },
        value_type: {
          enum: VALUE_TYPES,
          'x-advanced': true,
          description:
            'Embulk’s: `string` and `nstring` write the value as text (`timestamp_format`); with all others the type of the column decides.',
        },
        timestamp_format: {
          type: 'string',
          minLength: 1,
          'x-advanced': true,
          description: 'How dates and times are written into a text column, e.g. `%Y-%m-%d %H:%M:%S`.',
        },
        timezone: {
          type: 'string',
          minLength: 1,
          'x-advanced': true,
          description: 'Zone in which instants are written where the column keeps none. Default: `default_timezone`.',
        },
      },
    },
    description: 'Settings of single columns, by name.',
  },
  default_timezone: {
    type: 'string',
    minLength: 1,
    default: 'UTC',
    'x-advanced': true,
    description: 'Zone in which instants are written into columns that keep none.',
  },
  create_table_constraint: {
    type: 'string',
    minLength: 1,
    description: 'Text added to the columns of a table that is made, such as `PRIMARY KEY (id)`.',
  },
  create_table_option: { type: 'string', minLength: 1, description: 'Text added behind the columns of a table that is made.' },
  before_load: {
    type: 'string',
    minLength: 1,
    description: 'SQL that is run before the rows are written, in the same transaction; with `truncate` when the old rows are gone.',
  },
  after_load: { type: 'string', minLength: 1, description: 'SQL that is run after the rows are written, in the same transaction.' },
  ledger: {
    enum: ['table', 'none'],
    default: 'table',
    'x-advanced': true,
    description:
      '`table`: the commit is recorded in the table `sluice_ledger` beside the target, so that no run is written twice; `none`: at least once.',
  },
  allow_empty: { type: 'boolean', default: false, description: 'Whether `truncate` and `replace` may leave an empty table when nothing was read.' },
} as const;

export interface TargetColumnOption {
  readonly type?: string;
  readonly value_type?: string;
  readonly timestamp_format?: string;
  readonly timezone?: string;
}

export interface TableOutputConfig {
  readonly table: string;
  readonly schema?: string;
  readonly mode: string;
  readonly keys?: readonly string[];
  readonly merge_keys?: readonly string[];
  readonly merge_order_by?: readonly string[];
  readonly merge_rule?: readonly string[];
  readonly delete_column?: string;
  readonly schema_evolution: 'strict' | 'add';
  readonly column_options: { readonly [column: string]: TargetColumnOption };
  readonly default_timezone: string;
  readonly create_table_constraint?: string;
  readonly create_table_option?: string;
  readonly before_load?: string;
  readonly after_load?: string;
  readonly ledger: 'table' | 'none';
  readonly allow_empty: boolean;
}

export type WriteMode = 'append' | 'truncate' | 'replace' | 'merge';

/** The modes by their own names. */
export function modeOf(config: Pick<TableOutputConfig, 'mode'>): WriteMode {
  switch (config.mode) {
    case 'truncate':
    case 'truncate_insert':
      return 'truncate';
    case 'replace':
      return 'replace';
    case 'merge':
    case 'merge_direct':
      return 'merge';
    default:
      return 'append';
  }
}
