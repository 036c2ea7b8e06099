import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataError } from '../../core/spi/index.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { LoadJob } from '../shared/sql-output/database-output.js';
import { assertFence } from '../shared/sql-output/ledger.js';
import { mergeStatements } from '../shared/sql-output/merge-sql.js';
import type { PostgresLedger } from './ledger.js';

const q = (name: string): string => postgresqlDialect.quoteIdentifier(name);
const STAGE = 'pg_temp.sluice_stage';

/** The whole write in one transaction. Answers false when the ledger says that this run had committed before. */
export async function loadTable(session: PostgresSession, ledger: PostgresLedger, job: LoadJob): Promise<boolean> {
  const { commit, config, plan } = job;
  const name = joinTableName(plan.table);
  const run = (sql: string, doing: string): Promise<unknown> => session.texts(sql, doing);
  const keepsLedger = config.ledger !== 'none';
  if (keepsLedger) await ledger.make();
  await run('BEGIN', 'beginning the transaction');
  try {
    commit.reach('commit.transaction_open');
    if (keepsLedger) {
      const { key } = commit;
      await session.query(
        'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
        [JSON.stringify([key.project, key.pipeline, key.stream, key.target])],
        'locking the ledger',
      );
      const last = await ledger.last(key);
      if (last?.runId === commit.runId) {
        await run('ROLLBACK', 'ending the transaction');
        return false;
      }
      assertFence(last, commit, `PostgreSQL ${session.place}: ${name}`);
    }
    if (config.before_load !== undefined) await run(config.before_load, 'running before_load');
    await prepareTable(session, job);
    await writeRows(session, job);
    if (config.after_load !== undefined) await run(config.after_load, 'running after_load');
    commit.reach('commit.target_loaded');
    if (keepsLedger) await ledger.write(commit);
    commit.reach('commit.ledger_written');
    await run('COMMIT', `committing ${name}`);
    return true;
  } catch (error) {
    // A connection that is gone has rolled back by itself.
    if (!session.lost())
      await session
        .texts('ROLLBACK', 'rolling back')
        .catch((cause: unknown) => commit.log.log('debug', 'rolling back failed', { error: String(cause) }));
    throw error;
  }
}

/** Makes the table, adds columns, or turns it into what a replace wants. Indexes, constraints, grants, owner and comments stay. */
async function prepareTable(session: PostgresSession, { plan, config }: LoadJob): Promise<void> {
  const table = quoteTable(postgresqlDialect, plan.table);
  const name = joinTableName(plan.table);
  const fresh = plan.columns.filter((column) => column.isNew).map(({ target }) => target);
  if (!plan.exists) {
    const columns = plan.columns.map(({ target }) => `${q(target.name)} ${target.sqlType}`);
    const constraint =
      config.create_table_constraint ?? (plan.keys.keys.length === 0 ? undefined : `PRIMARY KEY (${plan.keys.keys.map(q).join(', ')})`);
    const inner = [...columns, ...(constraint === undefined ? [] : [constraint])].join(', ');
    await session.texts(`CREATE TABLE IF NOT EXISTS ${table} (${inner}) ${config.create_table_option ?? ''}`, `making ${name}`);
    return;
  }
  if (plan.mode === 'truncate' || plan.mode === 'replace') await session.texts(`TRUNCATE ${table}`, `emptying ${name}`);
  const known = plan.mode === 'replace' ? new Set((await existingColumns(session, plan.table)).map((column) => column)) : new Set<string>();
  const changes = [
    ...plan.dropped.map((column) => `DROP COLUMN ${q(column)}`),
    ...fresh.flatMap((column) =>
      known.has(column.name)
        ? [`ALTER COLUMN ${q(column.name)} DROP DEFAULT`, `ALTER COLUMN ${q(column.name)} TYPE ${column.sqlType} USING NULL`]
        : [`ADD COLUMN IF NOT EXISTS ${q(column.name)} ${column.sqlType}`],
    ),
  ];
  if (changes.length > 0) await session.texts(`ALTER TABLE ${table} ${changes.join(', ')}`, `changing ${name}`);
}

async function existingColumns(session: PostgresSession, table: readonly string[]): Promise<readonly string[]> {
  const rows = await session.query(
    'SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped',
    [quoteTable(postgresqlDialect, table)],
    `looking at ${joinTableName(table)}`,
  );
  return rows.map((row) => row[0] ?? '');
}

async function writeRows(session: PostgresSession, job: LoadJob): Promise<void> {
  const { plan } = job;
  const table = quoteTable(postgresqlDialect, plan.table);
  const names = plan.columns.map(({ target }) => target.name);
  const columns = names.map(q).join(', ');
  if (plan.mode !== 'merge') {
    await copyInto(session, table, columns, job);
    return;
  }
  const name = joinTableName(plan.table);
  await session.texts(`CREATE TEMP TABLE sluice_stage ON COMMIT DROP AS SELECT ${columns} FROM ${table} WITH NO DATA`, 'making the staging table');
  await copyInto(session, STAGE, columns, job);
  await session.texts(`ANALYZE ${STAGE}; LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`, `locking ${name}`);
  const merge = mergeStatements(postgresqlDialect, STAGE, names, plan.keys, job.config.merge_rule);
  if (plan.keys.orderBy.length === 0) await refuseDuplicates(session, merge.duplicates, job);
  if (merge.assignments.length > 0)
    await session.texts(`UPDATE ${table} AS T SET ${merge.assignments.join(', ')} FROM ${merge.source} AS S WHERE ${merge.on}`, `updating ${name}`);
  const selected = names.map((column) => `S.${q(column)}`).join(', ');
  await session.texts(
    `INSERT INTO ${table} (${columns}) SELECT ${selected} FROM ${merge.source} AS S WHERE NOT EXISTS (SELECT 1 FROM ${table} AS T WHERE ${merge.on})`,
    `adding to ${name}`,
  );
}

async function refuseDuplicates(session: PostgresSession, sql: string, { plan }: LoadJob): Promise<void> {
  const found = await session.texts(sql, 'looking for keys that stand twice');
  if (found.length === 0) return;
  throw new DataError({
    code: 'DUPLICATE_KEYS',
    message: `${joinTableName(plan.table)}: several rows of this load have the same key (${plan.keys.keys.join(', ')}): ${found.map((row) => row.join(', ')).join('; ')}`,
    hint: 'set merge_order_by to let the last one win, or remove them with the filter dedupe',
  });
}

async function copyInto(session: PostgresSession, table: string, columns: string, { files, rows, commit, plan }: LoadJob): Promise<void> {
  const { from } = await import('pg-copy-streams');
  const name = joinTableName(plan.table);
  const stream = session.client.query(from(`COPY ${table} (${columns}) FROM STDIN (FORMAT csv, NULL '', ENCODING 'UTF8')`));
  try {
    await pipeline(Readable.from(bytesOf(files), { objectMode: false, highWaterMark: 1 << 20 }), stream, { signal: commit.signal });
  } catch (error) {
    throw await session.explain(error, `copying into ${name}`);
  }
  if (stream.rowCount === rows) return;
  throw new DataError({
    code: 'TARGET_ROW_COUNT',
    message: `${name}: ${rows} rows were sent, but the server took ${stream.rowCount}`,
    hint: 'nothing was committed; look for triggers or rules on the table that drop rows',
  });
}

async function* bytesOf(files: readonly string[]): AsyncIterable<Buffer> {
  for (const file of files) yield* createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}
