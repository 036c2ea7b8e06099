import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  DataError,
  quoteIdentifier,
  quoteLiteral,
  quotePath,
  type CommitContext,
  type JsonValue,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../../core/spi/index.js';
import type { Warehouse, WritePlan, WriteRequest } from '../../warehouse/index.js';
import { commitChecked, type TableWrite } from './table-checks.js';

/** What a run that names tables by values keeps in its plan. */
export interface Routing {
  /** SQL that gives a row's table without its namespace. */
  readonly name: string;
  readonly namespace: string;
  readonly maxTables: number;
  /** All but the table of what is asked of the warehouse. */
  readonly request: Omit<WriteRequest, 'table' | 'place'>;
  /** Where rejects go. */
  readonly rejects: WritePlan | null;
}

/** One table's part of what a task staged. */
interface RoutedPart {
  readonly plan: WritePlan;
  readonly report: StageReport;
}

const TABLE = '__sluice_table';
const SHOWN = 5;

/**
 * Stages a task's rows into the tables that they name. They are spooled first: the source is read once, and how many tables there
 * are is known before the first is written. Errors: DataError MAX_TABLES, and those of the warehouse.
 */
export async function stageRouted(warehouse: Warehouse, routing: Routing, relation: StagedRelation, ctx: StageContext): Promise<StageReport> {
  const spool = join(ctx.tempDir, `routed-${randomUUID()}.parquet`);
  const status = quoteIdentifier(relation.statusColumn);
  await ctx.sql.run(
    `COPY (SELECT *, CASE WHEN ${status} = 0 THEN ${routing.name} END AS ${TABLE} FROM (${relation.select})) TO ${quoteLiteral(spool)} (FORMAT parquet)`,
  );
  const from = `read_parquet(${quotePath(spool)}, hive_partitioning = false)`;
  const statuses: Record<string, number> = {};
  for (const row of await ctx.sql.rows(`SELECT ${status} AS status, count(*) AS n FROM ${from} WHERE ${status} <> 0 GROUP BY ALL`))
    statuses[String(row['status'])] = Number(row['n']);
  const found = await ctx.sql.rows(`SELECT DISTINCT ${TABLE} AS name FROM ${from} WHERE ${status} = 0 ORDER BY 1 LIMIT ${routing.maxTables + 1}`);
  const names = found.map((row) => String(row['name']));
  refuseTooMany(names, routing);
  const parts: RoutedPart[] = [];
  const columns = relation.schema.map((c) => quoteIdentifier(c.name)).join(', ');
  for (const name of names) {
    const plan = await planTable(warehouse, routing, name, ctx.runId);
    const select = `SELECT ${columns}, ${status} FROM ${from} WHERE ${status} = 0 AND ${TABLE} = ${quoteLiteral(name)}`;
    parts.push({ plan, report: await warehouse.stageFiles(plan, { select, statusColumn: relation.statusColumn }, ctx) });
  }
  const sum = (of: (report: StageReport) => number): number => parts.reduce((total, part) => total + of(part.report), 0);
  return { rows: sum((r) => r.rows), statuses, bytes: sum((r) => r.bytes), files: sum((r) => r.files), staged: parts as unknown as JsonValue };
}

/** All tasks of a run, also one that is continued, must mean the same new table. */
async function planTable(warehouse: Warehouse, routing: Routing, name: string, runId: string): Promise<WritePlan> {
  const { rejects: _, ...plan } = await warehouse.planWrite({ ...routing.request, table: `${routing.namespace}.${name}` });
  if (!plan.isNew) return plan;
  const hex = createHash('sha256').update(`${runId}\0${plan.table}`).digest('hex');
  // Version 8 (RFC 9562): made by our own rule.
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return { ...plan, tableUuid: uuid, location: plan.location.replace(plan.tableUuid.replaceAll('-', ''), uuid.replaceAll('-', '')) };
}

function refuseTooMany(names: readonly string[], { maxTables }: Routing): void {
  if (names.length <= maxTables) return;
  throw new DataError({
    code: 'MAX_TABLES',
    message: `out.table: this run would write more than ${maxTables} tables, such as ${names.slice(0, SHOWN).join(', ')}`,
    hint: 'name tables by a column with few values, or raise out.max_tables',
  });
}

/** What all tasks staged, by table. */
export function routedWrites(routing: Routing, reports: readonly StageReport[]): readonly TableWrite[] {
  const byTable = new Map<string, { plan: WritePlan; staged: StageReport[] }>();
  for (const { plan, report } of reports.flatMap((r) => r.staged as unknown as readonly RoutedPart[])) {
    const known = byTable.get(plan.table);
    if (known) known.staged.push(report);
    else byTable.set(plan.table, { plan, staged: [report] });
  }
  refuseTooMany([...byTable.keys()], routing);
  return [...byTable.values()];
}

/** Commits the tables, the rejects and the state in one transaction. */
export async function commitRouted(
  warehouse: Warehouse,
  routing: Routing,
  reports: readonly StageReport[],
  rejects: readonly StageReport[],
  ctx: CommitContext,
): ReturnType<Warehouse['commitWrites']> {
  const writes = routedWrites(routing, reports);
  const rejected = routing.rejects && rejects.some((r) => r.rows > 0) ? [{ plan: routing.rejects, staged: rejects }] : [];
  const [first, ...others] = [...writes, ...rejected];
  if (!first) {
    const facts = { tables: 0 };
    await ctx.completeAlone(facts);
    return { facts, alreadyCommitted: false, upkeep: () => Promise.resolve() };
  }
  return commitChecked(warehouse, writes, ctx, (guard) =>
    warehouse.commitWrites(
      { ...first, rejects: [], others },
      {
        runId: ctx.runId,
        signal: ctx.signal,
        tempDir: ctx.tempDir,
        reach: (point) => ctx.reach(point),
        async within(tx, facts) {
          await guard(tx);
          // The state belongs to the pattern, not to one of its tables.
          const [rejects] = rejected;
          await ctx.complete(tx, { tables: writes.length, written: facts, ...(rejects ? { rejectsTable: rejects.plan.table } : {}) });
        },
      },
    ),
  );
}
