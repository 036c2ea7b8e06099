/** The connection as it stands in the cases; the test puts its server's in place of it. */
export const CONNECTION = `  host: localhost
  user: myuser
  password: ""
  database: my_database
`;

export interface ServerCase {
  readonly name: string;
  readonly config: string;
  /** For inputs: what stdout shows. */
  readonly stdout?: string;
  /** For outputs: rows of the query. */
  readonly rows?: readonly [sql: string, rows: readonly (readonly unknown[])[]];
}

/** For both servers; `values` of the outputs stand below. */
export const PREPARE: readonly string[] = [
  'create table my_table (col1 bigint primary key, col2 varchar(10), col3 decimal(10,2), updated_at timestamp not null)',
  "insert into my_table values (1, 'x', 1.50, '2015-01-01 00:00:00'), (2, 'y', 0.10, '2015-01-02 00:00:00'), (3, null, null, '2015-01-02 00:00:00')",
  'create table table1 (id bigint, name varchar(10))',
  "insert into table1 values (1, 'one'), (2, 'two')",
];

const ROWS = `in:
  type: config
  columns:
  - {name: id, type: long}
  - {name: name, type: string}
  - {name: n, type: long}
  values:
  - - [1, a, 10]
    - [2, b, 20]
`;

const SQL_INPUTS = (type: string): readonly ServerCase[] => [
  { name: `${type}: a table`, config: `in:\n  type: ${type}\n${CONNECTION}  table: table1\nout: {type: stdout}\n`, stdout: '1,one\n2,two\n' },
  {
    name: `${type}: select, where, order_by`,
    config: `in:
  type: ${type}
${CONNECTION}  table: my_table
  select: "col1, col2, col3"
  where: "col1 > 1"
  order_by: "col1 DESC"
  fetch_rows: 1000
  connect_timeout: 300
  socket_timeout: 1800
out: {type: stdout}
`,
    stdout: '3,,\n2,y,0.10\n',
  },
  {
    name: `${type}: a query`,
    config: `in:
  type: ${type}
${CONNECTION}  query: |
    SELECT t.col1, u.name
    FROM my_table AS t
    LEFT JOIN table1 AS u
      ON t.col1 = u.id
    ORDER BY t.col1
out: {type: stdout, prints_column_names: true}
`,
    stdout: 'col1,name\n1,one\n2,two\n3,\n',
  },
  {
    name: `${type}: incremental without a state reads everything`,
    config: `in:
  type: ${type}
${CONNECTION}  table: my_table
  select: "col1, updated_at"
  incremental: true
  incremental_columns: [updated_at, col1]
filters: [{type: remove_columns, keep: [col1]}]
out: {type: stdout}
`,
    stdout: '1\n2\n3\n',
  },
  {
    name: `${type}: incremental after last_record`,
    config: `in:
  type: ${type}
${CONNECTION}  table: my_table
  select: "col1, updated_at"
  incremental: true
  incremental_columns: [updated_at, col1]
  last_record: ['2015-01-02T00:00:00.000000', 2]
filters: [{type: remove_columns, keep: [col1]}]
out: {type: stdout}
`,
    stdout: '3\n',
  },
  {
    name: `${type}: a raw query with placeholders`,
    config: `in:
  type: ${type}
${CONNECTION}  query: "SELECT t.col1 AS foo_id, u.name FROM my_table t LEFT JOIN table1 u ON t.col1 = u.id WHERE t.col1 > :foo_id ORDER BY t.col1"
  use_raw_query_with_incremental: true
  incremental: true
  incremental_columns: [foo_id]
  last_record: [1]
out: {type: stdout}
`,
    stdout: '2,two\n3,\n',
  },
  {
    name: `${type}: column_options and default_column_options`,
    config: `in:
  type: ${type}
${CONNECTION}  table: my_table
  select: "col1, col3, updated_at"
  order_by: col1
  driver_path: /opt/driver.jar
  default_timezone: UTC
  default_column_options:
    DECIMAL: {type: string}
    NUMERIC: {type: string}
  column_options:
    col1: {value_type: string}
    updated_at: {type: string, timestamp_format: '%Y/%m/%d', timezone: '+0000'}
out:
  type: stdout
`,
    stdout: '1,1.50,2015/01/01\n2,0.10,2015/01/02\n3,,2015/01/02\n',
  },
  {
    name: `${type}: before_setup, before_select and after_select`,
    config: `in:
  type: ${type}
${CONNECTION}  table: made_before
  before_setup: "create table made_before as select 1 as n"
  before_select: "insert into made_before values (2)"
  after_select: "drop table made_before"
out: {type: stdout}
`,
    stdout: '1\n2\n',
  },
];

const OUTPUT = (type: string, table: string, rest: string): string => `${ROWS}out:\n  type: ${type}\n${CONNECTION}  table: ${table}\n${rest}`;

const SQL_OUTPUTS = (type: string): readonly ServerCase[] => [
  {
    name: `${type}: insert`,
    config: OUTPUT(type, 't_insert', '  mode: insert\n'),
    rows: [
      'select id, name, n from t_insert order by id',
      [
        [1, 'a', 10],
        [2, 'b', 20],
      ],
    ],
  },
  {
    name: `${type}: insert_direct, with everything that has no effect`,
    config: OUTPUT(
      type,
      't_direct',
      '  mode: insert_direct\n  batch_size: 16777216\n  retry_limit: 12\n  retry_wait: 1000\n  max_retry_wait: 1800000\n  transaction_isolation: read_committed\n  driver_path: /opt/driver.jar\n',
    ),
    rows: [
      'select id, name, n from t_direct order by id',
      [
        [1, 'a', 10],
        [2, 'b', 20],
      ],
    ],
  },
  {
    name: `${type}: truncate_insert`,
    config: OUTPUT(type, 't_truncate', '  mode: truncate_insert\n'),
    rows: [
      'select id, name, n from t_truncate order by id',
      [
        [1, 'a', 10],
        [2, 'b', 20],
      ],
    ],
  },
  {
    name: `${type}: replace with column_options and a constraint`,
    config: OUTPUT(
      type,
      't_replace',
      "  mode: replace\n  default_timezone: Asia/Tokyo\n  create_table_constraint: 'PRIMARY KEY (id)'\n  column_options:\n    name: {type: 'VARCHAR(255)'}\n    n: {value_type: string, type: 'VARCHAR(20)'}\n",
    ),
    rows: [
      'select id, name, n from t_replace order by id',
      [
        [1, 'a', '10'],
        [2, 'b', '20'],
      ],
    ],
  },
  {
    name: `${type}: merge by the primary key`,
    config: OUTPUT(type, 't_merge', '  mode: merge\n  after_load: "update t_merge set name = \'after\' where id = 2"\n'),
    rows: [
      'select id, name, n from t_merge order by id',
      [
        [1, 'a', 10],
        [2, 'after', 20],
        [3, 'old', 3],
      ],
    ],
  },
  {
    name: `${type}: merge_direct with merge_rule`,
    config: OUTPUT(
      type,
      't_rule',
      type === 'mysql'
        ? '  mode: merge_direct\n  merge_rule: ["n = n + VALUES(n)"]\n'
        : '  mode: merge_direct\n  merge_keys: [id]\n  merge_rule: ["n = T.n + S.n"]\n',
    ),
    rows: [
      'select id, name, n from t_rule order by id',
      [
        [1, 'old', 11],
        [2, 'b', 20],
      ],
    ],
  },
];

/** Tables that exist before the outputs run. */
export const TARGETS: readonly string[] = [
  'create table t_truncate (id bigint, name varchar(10), n bigint)',
  "insert into t_truncate values (9, 'old', 9)",
  'create table t_merge (id bigint primary key, name varchar(10), n bigint)',
  "insert into t_merge values (1, 'old', 1), (3, 'old', 3)",
  'create table t_rule (id bigint primary key, name varchar(10), n bigint)',
  "insert into t_rule values (1, 'old', 1)",
];

export const POSTGRESQL_CASES: readonly ServerCase[] = [
  ...SQL_INPUTS('postgresql'),
  {
    name: 'postgresql: schema, ssl off, options of JDBC, a role',
    config: `in:
  type: postgresql
${CONNECTION}  schema: public
  table: table1
  ssl: false
  application_name: embulk
  statement_timeout_millis: 60000
  options: {loglevel: 2, currentSchema: public}
out:
  type: postgresql
${CONNECTION}  schema: public
  temp_schema: tmp
  role_name: myuser
  options: {loglevel: 2}
  table: t_role
  mode: insert
`,
    rows: [
      'select id, name from t_role order by id',
      [
        [1, 'one'],
        [2, 'two'],
      ],
    ],
  },
  ...SQL_OUTPUTS('postgresql'),
];

export const MYSQL_CASES: readonly ServerCase[] = [
  ...SQL_INPUTS('mysql'),
  {
    name: 'mysql: ssl off, options of JDBC, temp_database',
    config: `in:
  type: mysql
${CONNECTION}  table: table1
  ssl: disable
  use_legacy_datetime_code: false
  options: {useUnicode: true, zeroDateTimeBehavior: convertToNull, useCompression: true}
out:
  type: mysql
${CONNECTION}  table: t_temp
  temp_database: tmp
  options: {useUnicode: true}
  mode: insert
`,
    rows: [
      'select id, name from t_temp order by id',
      [
        [1, 'one'],
        [2, 'two'],
      ],
    ],
  },
  ...SQL_OUTPUTS('mysql'),
];
