import { createHash } from 'node:crypto';
import { ConflictError, type CommitContext } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { TargetLedger } from '../shared/sql-output/ledger.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';
import { lockTaken, refuseDuplicates, type LoadSteps } from '../shared/sql-output/load-table.js';
import { askTableChecks, checkDialect } from '../shared/sql-output/table-checks.js';
import { DELETE_MARK, mergeStatements } from '../shared/sql-output/merge-sql.js';
import { prepareTable, replaceTable, type Replacement } from './prepare-table.js';
import { sendRows } from './send-rows.js';

const q = (name: string): string => mysqlDialect.quoteIdentifier(name);
const STAGE = 'sluice_stage';
/** How long to wait for another process that commits under the same key. */
const LOCK_SECS = 600;
/** Status flag of every answer (protocol, SERVER_STATUS_IN_TRANS). */
const IN_TRANSACTION = 1;

export function loadSteps(session: MysqlSession, ledger: TargetLedger, job: LoadJob): LoadSteps {
  const { plan } = job;
  const name = joinTableName(plan.table);
  const table = quoteTable(mysqlDialect, plan.table);
  const place = `${session.product} ${session.place}`;
  const run = async (sql: string, doing: string): Promise<number> => (await session.run(sql, doing)).serverStatus;
  let replacement: Replacement | undefined;
  const check = (relation: string, commit: CommitContext): Promise<void> =>
    askTableChecks(commit, relation, checkDialect(mysqlDialect), async (sql, doing) => {
      const rows = await session.texts(sql, doing);
      return {
        names: rows.length === 0 ? [] : (await session.describe(`SELECT * FROM (${sql}\n) AS asked`, doing)).map((column) => column.name),
        rows,
      };
    });
  const begin = (): Promise<number> => run('START TRANSACTION', 'beginning the transaction');
  return {
    place,
    makeLedger: () => ledger.make(),
    async begin(keepsLedger) {
      if (keepsLedger) await takeLock(session, job, place);
      // DDL commits by itself, so it comes before the transaction. Repeated, it finds nothing to do.
      replacement = await prepareTable(session, job);
      await begin();
    },
    lastInLedger: () => ledger.last(job.run.key),
    async prepare() {
      // TRUNCATE would commit.
      const empties = plan.mode === 'truncate' || plan.mode === 'replace' || plan.refreshes;
      if (empties && replacement === undefined) await run(`DELETE FROM ${table}`, `emptying ${name}`);
    },
    async runHook(sql, key) {
      const status = await run(sql, `running ${key}`);
      if ((status & IN_TRANSACTION) === 0) await begin();
    },
    async write() {
      if (plan.mode === 'merge') await mergeRows(session, job);
      else await sendRows(session, replacement?.table ?? table, plan.columns, job);
      if (replacement) await check(replacement.table, (await job.sent).commit);
      // The new rows and the ledger's cannot be committed together: RENAME commits first.
      if (replacement) await replaceTable(session, plan.table, replacement);
      if (replacement) await begin();
    },
    check: (commit) => (replacement ? Promise.resolve() : check(table, commit)),
    writeLedger: (context) => ledger.write(context),
    async commit() {
      await run('COMMIT', `committing ${name}`);
    },
    async rollback() {
      if (session.lost()) return;
      const told = (cause: unknown): void => job.run.log.log('debug', 'rolling back failed', { error: String(cause) });
      await run('ROLLBACK', 'rolling back').catch(told);
      if (replacement) await run(`DROP TABLE IF EXISTS ${replacement.table}`, 'removing the staging table').catch(told);
    },
  };
}

/** A lock of the session's, so that an older process whose COMMIT is under way is waited for. It ends with the session. */
async function takeLock(session: MysqlSession, { run: { key }, early }: LoadJob, place: string): Promise<void> {
  const hash = createHash('sha256')
    .update(JSON.stringify([key.project, key.pipeline, key.stream, key.target]))
    .digest('hex');
  const [row] = await session.texts(`SELECT GET_LOCK('sluice:${hash.slice(0, 48)}', ${early ? 0 : LOCK_SECS})`, 'locking the ledger');
  if (row?.[0] === '1') return;
  if (early) throw lockTaken(place, key);
  throw new ConflictError({
    code: 'TARGET_LOCKED',
    message: `${place}: another session has been committing pipeline ${key.pipeline} for more than ${LOCK_SECS / 60} minutes`,
    hint: 'look for it with SHOW PROCESSLIST; when it has ended, run again',
  });
}

async function mergeRows(session: MysqlSession, job: LoadJob): Promise<void> {
  const { plan, config } = job;
  const table = quoteTable(mysqlDialect, plan.table);
  const stage = quoteTable(mysqlDialect, [plan.table[0] ?? '', STAGE]);
  const name = joinTableName(plan.table);
  const names = plan.columns.map(({ target }) => target.name);
  const deletes = plan.deleteColumn !== undefined;
  const indexed = plan.columns.filter(({ target }) => plan.keys.keys.includes(target.name)).every(({ target }) => isIndexable(target.sqlType));
  // By way of an outer join all columns take NULL: of a row to delete only the keys are known.
  const selected = [...names.map((column) => `T.${q(column)}`), ...(deletes ? [`CAST(0 AS SIGNED) AS ${q(DELETE_MARK)}`] : [])].join(', ');
  await session.run(
    `CREATE TEMPORARY TABLE ${stage} ${indexed ? `(INDEX (${plan.keys.keys.map(q).join(', ')})) ` : ''}ENGINE=InnoDB ` +
      `AS SELECT ${selected} FROM (SELECT 1 AS one) AS O LEFT JOIN ${table} AS T ON FALSE LIMIT 0`,
    'making the staging table',
  );
  await sendRows(session, stage, plan.columns, job);
  const rule = config.merge_rule?.map(ofTable);
  const merge = mergeStatements(mysqlDialect, stage, names, plan.keys, { rule, deletes });
  if (plan.keys.orderBy.length === 0) refuseDuplicates(await session.texts(merge.duplicates, 'looking for keys that stand twice'), job);
  if (merge.gone !== undefined) await session.run(`DELETE T FROM ${table} AS T JOIN ${merge.gone} AS S ON ${merge.on}`, `deleting from ${name}`);
  const assignments = rule ?? merge.assignments.map((assignment) => `T.${assignment}`);
  if (assignments.length > 0)
    await session.run(`UPDATE ${table} AS T JOIN ${merge.source} AS S ON ${merge.on} SET ${assignments.join(', ')}`, `updating ${name}`);
  await session.run(
    `INSERT INTO ${table} (${names.map(q).join(', ')}) SELECT ${names.map((column) => `S.${q(column)}`).join(', ')} FROM ${merge.source} AS S ` +
      `WHERE NOT EXISTS (SELECT 1 FROM ${table} AS T WHERE ${merge.on})`,
    `adding to ${name}`,
  );
  await session.run(`DROP TEMPORARY TABLE ${stage}`, 'removing the staging table');
}

/** `amount = T.amount + S.amount` as `T.amount = …`: with two tables a bare name would mean both. */
export function ofTable(assignment: string): string {
  return assignment.replace(/^\s*(`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)\s*=/, 'T.$1 =');
}

/** A long text needs a length in an index, and would make a poor one. */
function isIndexable(sqlType: string): boolean {
  const [, length] = /^(?:var)?(?:char|binary)\((\d+)\)/i.exec(sqlType) ?? [];
  if (length !== undefined) return Number(length) <= 191;
  return !/text|blob|char|binary|json|geometry/i.test(sqlType);
}
