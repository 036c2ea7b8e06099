import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../../core/spi/index.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { TargetLedger } from '../shared/sql-output/ledger.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';
import { assertRowCount, lockTaken, refuseDuplicates, type LoadSteps } from '../shared/sql-output/load-table.js';
import { askTableChecks, checkDialect } from '../shared/sql-output/table-checks.js';
import { DELETE_MARK, mergeStatements } from '../shared/sql-output/merge-sql.js';

const q = (name: string): string => postgresqlDialect.quoteIdentifier(name);
const STAGE = 'pg_temp.sluice_stage';

export function loadSteps(session: PostgresSession, ledger: TargetLedger, job: LoadJob): LoadSteps {
  const { plan } = job;
  const name = joinTableName(plan.table);
  const run = async (sql: string, doing: string): Promise<void> => void (await session.texts(sql, doing));
  return {
    place: `PostgreSQL ${session.place}`,
    makeLedger: () => ledger.make(),
    async begin(keepsLedger) {
      // Each statement must see what was committed while this one waited for the lock.
      await run('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', 'beginning the transaction');
      if (!keepsLedger) return;
      const { key } = job.run;
      const [row] = await session.query(
        job.early ? 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))' : 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
        [JSON.stringify([key.project, key.pipeline, key.stream, key.target])],
        'locking the ledger',
      );
      if (job.early && row?.[0] !== 't') throw lockTaken(`PostgreSQL ${session.place}`, key);
    },
    lastInLedger: () => ledger.last(job.run.key),
    prepare: () => prepareTable(session, job),
    async runHook(sql, key) {
      const transaction = async (): Promise<string> => String((await session.texts('SELECT txid_current()', 'asking for the transaction'))[0]?.[0]);
      const begun = await transaction();
      await run(sql, `running ${key}`);
      // Rows and ledger row are complete before `after_load`.
      if (key === 'before_load' && (await transaction()) !== begun) throw transactionEnded(key);
    },
    write: () =>
      plan.mode === 'merge' ? mergeRows(session, job) : copyInto(session, quoteTable(postgresqlDialect, plan.table), columnNames(job), job),
    check: (commit) =>
      askTableChecks(commit, quoteTable(postgresqlDialect, plan.table), checkDialect(postgresqlDialect), async (sql, doing) => {
        const rows = await session.texts(sql, doing);
        return { names: rows.length === 0 ? [] : (await session.describe(sql, doing)).map((field) => field.name), rows };
      }),
    writeLedger: (context) => ledger.write(context),
    commit: () => run('COMMIT', `committing ${name}`),
    async rollback() {
      if (session.lost()) return;
      await run('ROLLBACK', 'rolling back').catch((cause: unknown) => job.run.log.log('debug', 'rolling back failed', { error: String(cause) }));
    },
  };
}

function transactionEnded(key: string): ConfigError {
  return new ConfigError({
    code: 'HOOK_TRANSACTION',
    message: `${key}: its SQL ended the transaction of the load, so that rows could be written twice; no row was written`,
    hint: `take COMMIT, ROLLBACK and BEGIN out of ${key}: the load commits by itself`,
  });
}

/** Makes the table, adds columns, or turns it into what a replace wants. Indexes, constraints, grants, owner and comments stay. */
async function prepareTable(session: PostgresSession, { plan, config }: LoadJob): Promise<void> {
  const table = quoteTable(postgresqlDialect, plan.table);
  const name = joinTableName(plan.table);
  const empties = plan.mode === 'truncate' || plan.mode === 'replace' || plan.refreshes === true;
  const fresh = plan.columns.filter((column) => column.isNew).map(({ target }) => target);
  if (!plan.exists) {
    const columns = plan.columns.map(({ target }) => `${q(target.name)} ${target.sqlType}`);
    const constraint =
      config.create_table_constraint ?? (plan.keys.keys.length === 0 ? undefined : `PRIMARY KEY (${plan.keys.keys.map(q).join(', ')})`);
    const inner = [...columns, ...(constraint === undefined ? [] : [constraint])].join(', ');
    // IF NOT EXISTS alone fails in several ways (23505, 42710, 42P07) where two sessions make the table at once.
    await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`sluice ${table}`], `making ${name}`);
    await session.texts(`CREATE TABLE IF NOT EXISTS ${table} (${inner}) ${config.create_table_option ?? ''}`, `making ${name}`);
    // Somebody else, or this run before it was cut off, may have made and filled it since it was planned.
    if (empties) await emptyTable(session, table, name);
    return;
  }
  if (empties) await emptyTable(session, table, name);
  const known = plan.mode === 'replace' ? await existingColumns(session, plan.table) : new Map<string, string>();
  // By itself and first: a column that is computed takes no other type, and holds those it is computed from.
  const changing = [...plan.dropped, ...fresh.map((column) => column.name)];
  const freed = changing.flatMap((column) => (known.get(column) ? [`ALTER COLUMN ${q(column)} DROP ${known.get(column)}`] : []));
  if (freed.length > 0) await session.texts(`ALTER TABLE ${table} ${freed.join(', ')}`, `changing ${name}`);
  const changes = [
    ...plan.dropped.filter((column) => known.has(column)).map((column) => `DROP COLUMN ${q(column)}`),
    ...fresh.flatMap((column) =>
      known.has(column.name)
        ? [`ALTER COLUMN ${q(column.name)} DROP DEFAULT`, `ALTER COLUMN ${q(column.name)} TYPE ${column.sqlType} USING NULL`]
        : [`ADD COLUMN IF NOT EXISTS ${q(column.name)} ${column.sqlType}`],
    ),
  ];
  if (changes.length > 0) await session.texts(`ALTER TABLE ${table} ${changes.join(', ')}`, `changing ${name}`);
}

/** TRUNCATE is refused where other tables reference this one, even when they are empty, and needs a right of its own. */
async function emptyTable(session: PostgresSession, table: string, name: string): Promise<void> {
  const [row] = await session.query(
    `SELECT has_table_privilege(c.oid, 'TRUNCATE') AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid) FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [table],
    `looking at ${name}`,
  );
  await session.texts(row?.[0] === 't' ? `TRUNCATE ${table}` : `DELETE FROM ${table}`, `emptying ${name}`);
}

/** By name: what makes the server compute the values, or an empty text. */
async function existingColumns(session: PostgresSession, table: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query(
    "SELECT attname, CASE WHEN attgenerated <> '' THEN 'EXPRESSION' WHEN attidentity <> '' THEN 'IDENTITY' ELSE '' END FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
    [quoteTable(postgresqlDialect, table)],
    `looking at ${joinTableName(table)}`,
  );
  return new Map(rows.map((row) => [row[0] ?? '', row[1] ?? '']));
}

function columnNames({ plan }: LoadJob): string {
  return plan.columns.map(({ target }) => q(target.name)).join(', ');
}

async function mergeRows(session: PostgresSession, job: LoadJob): Promise<void> {
  const { plan, config } = job;
  const table = quoteTable(postgresqlDialect, plan.table);
  const name = joinTableName(plan.table);
  const names = plan.columns.map(({ target }) => target.name);
  const columns = columnNames(job);
  const deletes = plan.deleteColumn !== undefined;
  const mark = deletes ? `, ${q(DELETE_MARK)}` : '';
  await session.texts(
    `CREATE TEMP TABLE sluice_stage ON COMMIT DROP AS SELECT ${columns}${deletes ? `, 0::smallint AS ${q(DELETE_MARK)}` : ''} FROM ${table} WITH NO DATA`,
    'making the staging table',
  );
  await copyInto(session, STAGE, `${columns}${mark}`, job);
  await session.texts(`ANALYZE ${STAGE}; LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`, `locking ${name}`);
  const merge = mergeStatements(postgresqlDialect, STAGE, names, plan.keys, { rule: config.merge_rule, deletes });
  if (plan.keys.orderBy.length === 0) refuseDuplicates(await session.texts(merge.duplicates, 'looking for keys that stand twice'), job);
  if (merge.gone !== undefined) await session.texts(`DELETE FROM ${table} AS T USING ${merge.gone} AS S WHERE ${merge.on}`, `deleting from ${name}`);
  if (merge.assignments.length > 0)
    await session.texts(`UPDATE ${table} AS T SET ${merge.assignments.join(', ')} FROM ${merge.source} AS S WHERE ${merge.on}`, `updating ${name}`);
  const selected = names.map((column) => `S.${q(column)}`).join(', ');
  await session.texts(
    `INSERT INTO ${table} (${columns}) SELECT ${selected} FROM ${merge.source} AS S WHERE NOT EXISTS (SELECT 1 FROM ${table} AS T WHERE ${merge.on})`,
    `adding to ${name}`,
  );
}

async function copyInto(session: PostgresSession, table: string, columns: string, job: LoadJob): Promise<void> {
  const { plan } = job;
  const { from } = await import('pg-copy-streams');
  const stream = session.client.query(from(`COPY ${table} (${columns}) FROM STDIN (FORMAT text, ENCODING 'UTF8')`));
  try {
    await pipeline(Readable.from(job.bytes(), { objectMode: false, highWaterMark: 1 << 20 }), stream, { signal: job.run.signal });
  } catch (error) {
    throw await session.explain(error, `copying into ${joinTableName(plan.table)}`);
  }
  await assertRowCount(stream.rowCount, job);
}
