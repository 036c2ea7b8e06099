/**
 * Config keys of a connection to a SQL database, shared by inputs and outputs. Spread them into a plugin's `properties`;
 * keys marked `x-connection` may also come from a named connection of sluice.yml.
 */
export const connectionProperties = {
  host: {
    type: 'string',
    minLength: 1,
    default: 'localhost',
    'x-connection': true,
    description: 'Name or address of the server, or the folder of its Unix socket (starts with `/`).',
  },
  port: { type: 'integer', minimum: 1, maximum: 65535, 'x-connection': true, description: 'Port of the server; absent: its usual one.' },
  user: { type: 'string', minLength: 1, 'x-connection': true, description: 'User to log in as.' },
  password: {
    type: 'string',
    'x-secret': true,
    'x-connection': true,
    description: 'Password of the user, best as `{env: NAME}` or `{file: PATH}`.',
  },
  database: { type: 'string', minLength: 1, 'x-connection': true, description: 'Database to connect to.' },
  tls: {
    enum: ['disable', 'require', 'verify-ca', 'verify-full'],
    'x-connection': true,
    description:
      '`verify-full` (the default, except for loopback addresses and Unix sockets): encrypted, and the certificate must be issued for `host` by a known authority; ' +
      '`verify-ca`: by a known authority, whatever its host; `require`: encrypted, the server is not verified; `disable`: plain.',
  },
  tls_ca: {
    type: 'string',
    minLength: 1,
    'x-connection': true,
    description: 'PEM file of the certificate authorities to trust instead of the system’s.',
  },
  tls_cert: { type: 'string', minLength: 1, 'x-connection': true, 'x-advanced': true, description: 'PEM file of the client certificate.' },
  tls_key: { type: 'string', minLength: 1, 'x-connection': true, 'x-advanced': true, description: 'PEM file of the key of the client certificate.' },
  ssl: {
    enum: [true, false, 'enable', 'disable', 'verify'],
    'x-connection': true,
    'x-advanced': true,
    description:
      'Embulk’s spelling of `tls`: `true` or `enable` is `require`, `verify` is `verify-full`; `false` or `disable` is `disable` on loopback and sockets, and elsewhere an error.',
  },
  connect_timeout: {
    type: 'number',
    exclusiveMinimum: 0,
    default: 300,
    'x-connection': true,
    'x-advanced': true,
    description: 'Seconds until a connection must stand.',
  },
  socket_timeout: {
    type: 'number',
    minimum: 0,
    default: 1800,
    'x-connection': true,
    'x-advanced': true,
    description: 'Seconds that the server may stay silent while an answer is awaited; 0: for ever.',
  },
  options: {
    type: 'object',
    additionalProperties: { type: ['string', 'number', 'boolean'] },
    'x-connection': true,
    'x-advanced': true,
    description: 'Settings of the session, by name.',
  },
} as const;

/** Config keys that choose what a SQL input reads. */
export const selectionProperties = {
  table: {
    type: 'string',
    minLength: 1,
    description: 'Table or view to read, e.g. `orders` or `sales.orders`; a part with capitals or dots may stand in double quotes.',
  },
  tables: {
    type: 'array',
    minItems: 1,
    items: { type: 'string', minLength: 1 },
    description: 'Several tables: names and wildcards such as `shop_*` or `sales.*`. Each is a stream of its own, with its own state and target.',
  },
  exclude_tables: {
    type: 'array',
    items: { type: 'string', minLength: 1 },
    description: 'Names and wildcards that `tables` leaves out.',
  },
  query: { type: 'string', minLength: 1, description: 'A SELECT whose result is read, instead of `table`.' },
  select: { type: 'string', minLength: 1, description: 'Select list for `table`; absent: all columns.' },
  where: { type: 'string', minLength: 1, description: 'Condition on the rows of `table`.' },
  order_by: { type: 'string', minLength: 1, description: 'Order of the rows; a load does not need one. Not together with `incremental`.' },
} as const;

/** Config keys of incremental reading. */
export const incrementalProperties = {
  incremental: {
    type: 'boolean',
    description: 'Read only rows beyond the last run’s, by `incremental_columns` (absent: the primary key). Absent: on when they are given.',
  },
  incremental_columns: {
    type: 'array',
    minItems: 1,
    maxItems: 8,
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    description: 'Columns that only grow, compared in this order, e.g. `[updated_at, id]`. Giving them turns `incremental` on.',
  },
  last_record: {
    type: 'array',
    minItems: 1,
    items: { type: ['string', 'number', 'boolean'] },
    description: 'Values of `incremental_columns` to start after, as long as no state exists.',
  },
  use_raw_query_with_incremental: {
    type: 'boolean',
    default: false,
    'x-advanced': true,
    description:
      'The query holds `:column` placeholders for the last values of `incremental_columns`, as in Embulk; the first run takes them from `last_record`.',
  },
  lag: {
    type: ['string', 'integer'],
    description:
      'Read this much again below the last cursor, for rows that were committed late: a time such as `10m`, `2h`, `1d`, or an amount for numbers. ' +
      'Needs `primary_key` (rows that were loaded are skipped), or an output that merges.',
  },
  primary_key: {
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    description: 'Columns that tell rows apart, for `lag`: rows already loaded are known by cursor and key.',
  },
  max_overlap_rows: {
    type: 'integer',
    minimum: 1,
    default: 10_000,
    'x-advanced': true,
    description: 'Most rows that the window of `lag` may hold; their cursors and keys are kept in the state.',
  },
} as const;

/** Config keys that spare the source. */
export const limitProperties = {
  max_connections: { type: 'integer', minimum: 1, maximum: 64, default: 4, description: 'Most connections that one read may hold at a time.' },
  max_transaction_secs: {
    type: 'number',
    exclusiveMinimum: 0,
    description: 'Longest time a reading transaction may stay open at the source; beyond it the read is given up with an error.',
  },
  rows_per_second: { type: 'number', exclusiveMinimum: 0, description: 'Most rows to read a second.' },
} as const;
