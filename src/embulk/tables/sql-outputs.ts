import type { JsonValue } from '../../core/spi/index.js';
import { ignored, mapped, refused, same, sign, text, type OptionRule, type PluginTable } from '../option-table.js';
import { asMapping } from '../mapping.js';
import type { Section } from '../section.js';
import { completeConnection, connectionOptions, mysqlOptions, postgresqlOptions, sqlAdditions } from './sql-connection.js';

const MODES: Readonly<Record<string, string>> = {
  insert: 'append',
  insert_direct: 'append',
  truncate_insert: 'truncate',
  replace: 'replace',
  merge: 'merge',
  merge_direct: 'merge',
};

const RETRY = 'exec.retry says how often a task is tried again';

function writeMode(section: Section, value: JsonValue): void {
  const mode = MODES[String(value)];
  if (mode === undefined || mode === value) section.set('mode', value);
  else {
    const direct = String(value).endsWith('_direct') ? '; all rows in one transaction, where Embulk commits batches' : '';
    section.map('mode', mode, 'mode', `${String(value)} of Embulk${direct}`);
  }
}

const tableOptions: readonly OptionRule[] = [
  text('table'),
  mapped(
    'mode',
    '`insert` and `insert_direct` are `append`, `truncate_insert` is `truncate`, `merge_direct` is `merge`; `replace` and `merge` stay.',
    writeMode,
  ),
  same('column_options'),
  same('column_options.<name>.type'),
  same('column_options.<name>.value_type', '`string` and `nstring` write text; with all others the type of the column decides. `null` is refused.'),
  same('column_options.<name>.timestamp_format'),
  same('column_options.<name>.timezone'),
  text('default_timezone'),
  text('create_table_constraint'),
  text('create_table_option'),
  text('before_load'),
  text('after_load'),
  sign(ignored('batch_size', 'rows go by the server’s bulk path')),
  sign(ignored('retry_limit', RETRY)),
  sign(ignored('retry_wait', RETRY)),
  sign(ignored('max_retry_wait', RETRY)),
  sign(ignored('transaction_isolation', 'a load is one transaction with the isolation that it needs')),
];

const additions: readonly string[] = [...sqlAdditions, ...['keys', 'merge_order_by', 'delete_column', 'schema_evolution', 'ledger', 'allow_empty']];

const postgresqlOutput: PluginTable = {
  kind: 'output',
  type: 'postgresql',
  plugin: 'embulk-output-postgresql',
  options: [
    ...connectionOptions,
    text('schema'),
    sign(ignored('temp_schema', 'staging tables are temporary ones of the session')),
    sign(
      mapped('role_name', '`options: {role: …}`.', (section, value) =>
        section.map('options', { ...asMapping(section.out['options']), role: value }, 'role_name', 'the role that the session takes'),
      ),
    ),
    postgresqlOptions,
    ...tableOptions,
    mapped('merge_keys', '`keys`.', (section, value) => section.set('keys', value, 'merge_keys')),
    same('merge_rule', '`T` is the table, `S` the load.'),
  ],
  additions,
  complete: (section, { defaults }) => completeConnection(section, defaults),
};

const mysqlOutput: PluginTable = {
  kind: 'output',
  type: 'mysql',
  plugin: 'embulk-output-mysql',
  options: [
    ...connectionOptions,
    sign(ignored('temp_database', 'staging tables are temporary ones of the session')),
    mysqlOptions('output'),
    ...tableOptions,
    mapped('merge_rule', '`VALUES(c)` becomes `S.c`, and a column of the left side `T.c`.', (section, value) => {
      const rules = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
      const written = rules.map((rule) => (typeof rule === 'string' ? namedRule(rule) : rule));
      if (JSON.stringify(written) === JSON.stringify(rules)) section.set('merge_rule', rules);
      else section.map('merge_rule', written, 'merge_rule', 'T is the table, S the load');
    }),
    refused('merge_keys', 'Embulk takes the unique keys of the table; name keys: [...] instead'),
  ],
  additions: [...additions, 'compress', 'server_public_key'],
  complete: (section, { defaults }) => completeConnection(section, defaults),
};

/** `n = n + VALUES(n)` of ON DUPLICATE KEY UPDATE, with both sides named. */
function namedRule(rule: string): string {
  const [, left = '', right = ''] = /^\s*(`[^`]+`|\w+)\s*=([^]*)$/.exec(rule) ?? [];
  if (left === '' || !/\bvalues\s*\(/i.test(right)) return rule;
  const own = left.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const named = right
    .replaceAll(new RegExp(`(?<![\\w.\`(])${own}(?![\\w\`.(])`, 'g'), `T.${left}`)
    .replaceAll(/\bvalues\s*\(\s*(`[^`]+`|\w+)\s*\)/gi, 'S.$1');
  return `${left} =${named}`;
}

export const sqlOutputTables: readonly PluginTable[] = [postgresqlOutput, mysqlOutput];
