import {
  ConfigError,
  DUCKDB_CHECKS,
  quoteIdentifier,
  quotePaths,
  type Check,
  type CommitContext,
  type SqlValue,
  type StageReport,
  type StoreTransaction,
} from '../../core/spi/index.js';
import { splitTableName, stagedPaths, type StagedSql, type Warehouse, type WritePlan } from '../../warehouse/index.js';

/** One table's part of a commit; see `commitWrites`. */
export interface TableWrite {
  readonly plan: WritePlan;
  readonly staged: readonly StageReport[];
}

/** Runs in the commit's transaction; throws when a table is no longer what the checks have seen. */
export type CommitGuard = (tx: StoreTransaction) => Promise<void>;

class TableMoved extends Error {}

/** Asks the checks of the tables as they would be, then commits; asks again when another commit came in between. */
export async function commitChecked<T>(
  warehouse: Warehouse,
  writes: readonly TableWrite[],
  ctx: CommitContext,
  commit: (guard: CommitGuard) => Promise<T>,
): Promise<T> {
  const { checks } = ctx.tableChecks;
  if (checks.length === 0) return commit(() => Promise.resolve());
  for (;;) {
    ctx.signal.throwIfAborted();
    const bases = await Promise.all(writes.map(({ plan }) => locationOf(warehouse, plan)));
    await askChecks(warehouse, writes, ctx);
    const guard: CommitGuard = async (tx) => {
      for (const [i, { plan }] of writes.entries()) {
        const { namespace, name } = splitTableName(plan.table);
        const now = await warehouse.metastore.catalog.getTable(namespace, name, tx);
        // The pointer was just moved, or the write left it alone.
        const seen = now?.metadataLocation === bases[i] ? now?.metadataLocation : (now?.previousMetadataLocation ?? undefined);
        if (seen !== bases[i]) throw new TableMoved(plan.table);
      }
    };
    try {
      return await commit(guard);
    } catch (error) {
      if (!(error instanceof TableMoved)) throw error;
      ctx.log.log('info', 'another commit came first; the checks are asked again', { table: error.message });
    }
  }
}

async function locationOf(warehouse: Warehouse, plan: WritePlan): Promise<string | undefined> {
  const { namespace, name } = splitTableName(plan.table);
  return (await warehouse.metastore.catalog.getTable(namespace, name))?.metadataLocation;
}

async function askChecks(warehouse: Warehouse, writes: readonly TableWrite[], ctx: CommitContext): Promise<void> {
  const { checks, judge } = ctx.tableChecks;
  const staged = writes.map((write) => ({ ...write, rejects: [] }));
  await warehouse.queryStaged(staged, { runId: ctx.runId, signal: ctx.signal, tempDir: ctx.tempDir }, async (sql) => {
    for (const check of checks) for (const { plan } of writes) judge(check, await faultsOf(sql, check, plan.table, ctx), plan.table);
  });
}

async function faultsOf(
  sql: StagedSql,
  check: Check,
  table: string,
  ctx: CommitContext,
): Promise<readonly { readonly [column: string]: SqlValue }[]> {
  const { namespace, name } = splitTableName(table);
  const text = check.sql(`${quoteIdentifier(namespace)}.${quoteIdentifier(name)}`, DUCKDB_CHECKS);
  const result = await sql.query(text, { signal: ctx.signal, tempDir: ctx.tempDir }).catch((cause: unknown) => {
    if (!(cause instanceof ConfigError)) throw cause;
    const said = cause.message.replace(/^line \d+:\d+: /, '');
    throw new ConfigError({ code: 'CHECK_SQL', message: `${table}: check ${check.name}: ${said}`, hint: 'check its columns and its query', cause });
  });
  try {
    for await (const columns of result.chunks()) {
      const count = columns[0]?.length ?? 0;
      return Array.from({ length: count }, (_, row) =>
        Object.fromEntries(result.columns.map((column, i) => [column.name, columns[i]?.[row] ?? null])),
      );
    }
    return [];
  } finally {
    await result.close();
  }
}

/** All rows that the tasks staged, columns as in the load. */
export function stagedRowsOf(writes: readonly TableWrite[]): string {
  const paths = writes.flatMap(({ staged }) => staged.flatMap((report) => stagedPaths(report)));
  const [first] = writes;
  const columns = (first?.plan.columns ?? []).map(({ source, name }) => ({ source, name }));
  if (paths.length === 0) {
    const nulls = columns.map(({ source }) => `NULL AS ${quoteIdentifier(source)}`).join(', ');
    return `(SELECT ${nulls === '' ? 'NULL AS nothing' : nulls} LIMIT 0) AS staged`;
  }
  const select = columns.map(({ source, name }) =>
    source === name ? quoteIdentifier(name) : `${quoteIdentifier(name)} AS ${quoteIdentifier(source)}`,
  );
  return `(SELECT ${select.length === 0 ? '*' : select.join(', ')} FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false, union_by_name = true)) AS staged`;
}
