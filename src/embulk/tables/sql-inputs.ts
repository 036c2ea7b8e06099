import type { JsonValue } from '../../core/spi/index.js';
import { asFlag, flag, ignored, mapped, number, same, sign, text, type OptionRule, type PluginTable } from '../option-table.js';
import type { Section } from '../section.js';
import { completeConnection, connectionOptions, mysqlOptions, postgresqlOptions, sqlAdditions } from './sql-connection.js';

const selection: readonly OptionRule[] = [
  text('table'),
  text('query'),
  text('select'),
  text('where'),
  text('order_by'),
  mapped('incremental', '`false` without `-c` (unless `last_record` is given), with it as given.', () => {}),
  same('incremental_columns'),
  mapped('last_record', 'Where the first run starts; later ones start at the state.', (section, value) => section.set('last_record', asList(value))),
  flag('use_raw_query_with_incremental'),
  sign(ignored('fetch_rows', 'rows are streamed')),
  text('default_timezone'),
  same('default_column_options', 'By type, in JDBC’s words.'),
  same('column_options'),
  same('column_options.<name>.value_type', 'Taken as `type` where that is absent.'),
  same('column_options.<name>.type'),
  same('column_options.<name>.timestamp_format'),
  same('column_options.<name>.timezone'),
  text('before_setup'),
  text('before_select'),
  text('after_select'),
];

const additions: readonly string[] = [
  ...sqlAdditions,
  ...['tables', 'exclude_tables', 'lag', 'primary_key', 'max_overlap_rows'],
  ...['max_connections', 'max_transaction_secs', 'rows_per_second', 'parallel_ranges'],
];

/** Embulk keeps a cursor only with `-c`; a `last_record` of the config holds in every run. */
function completeIncremental(section: Section, stateKept: boolean): void {
  const { incremental, incremental_columns: columns, last_record: last } = section.given;
  if (asFlag(incremental ?? false) !== true) {
    if (columns !== undefined || last !== undefined || incremental !== undefined)
      section.add('incremental', false, 'Embulk reads everything unless incremental is true', incremental === undefined ? undefined : 'incremental');
  } else if (stateKept) section.set('incremental', true);
  else if (last !== undefined) {
    section.map(
      'incremental',
      true,
      'incremental',
      'the first run starts at last_record, later ones where the last one ended: the state is kept also without -c',
    );
  } else section.map('incremental', false, 'incremental', 'without -c Embulk reads everything at each run; true reads only what is new');
}

function asList(value: JsonValue): JsonValue {
  return Array.isArray(value) ? value : [value];
}

const postgresqlInput: PluginTable = {
  kind: 'input',
  type: 'postgresql',
  plugin: 'embulk-input-postgresql',
  options: [
    ...connectionOptions,
    text('schema', 'Embulk’s default `public` is written out.'),
    postgresqlOptions,
    number('statement_timeout_millis'),
    text('application_name'),
    ...selection,
  ],
  additions,
  complete(section, { incremental, defaults }) {
    completeConnection(section, defaults);
    if (!defaults) return;
    completeIncremental(section, incremental);
    if (section.given['schema'] === undefined) section.add('schema', 'public', 'Embulk’s default');
  },
};

const mysqlInput: PluginTable = {
  kind: 'input',
  type: 'mysql',
  plugin: 'embulk-input-mysql',
  options: [
    ...connectionOptions,
    mysqlOptions('input'),
    sign(ignored('use_legacy_datetime_code', 'times are read without the zone of a driver')),
    ...selection,
  ],
  additions: [...additions, 'zero_dates', 'compress', 'server_public_key'],
  complete(section, { incremental, defaults }) {
    completeConnection(section, defaults);
    if (defaults) completeIncremental(section, incremental);
  },
};

export const sqlInputTables: readonly PluginTable[] = [mysqlInput, postgresqlInput];
