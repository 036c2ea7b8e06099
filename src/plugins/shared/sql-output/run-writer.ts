import { stat } from 'node:fs/promises';
import {
  DataError,
  type CommitContext,
  type CommitReport,
  type JsonObject,
  type OpenRunContext,
  type OutputPlan,
  type PluginContext,
  type RunWriter,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../../../core/spi/index.js';
import type { TargetProduct, TargetSession } from './target-session.js';
import { writtenColumns } from './delete-marks.js';
import { EarlyLoad } from './early-load.js';
import type { GrowingSpool } from './growing-spools.js';
import { stageSpool, type Spool } from './stage-spool.js';
import { readFiles } from './staged-bytes.js';
import type { DatabaseConfig, TablePlan } from './table-plan.js';

type Open = (ctx: PluginContext) => Promise<TargetSession>;

/** Stages the rows of one task as files of the product's own form. */
export async function stageRows(
  product: TargetProduct,
  plan: OutputPlan,
  relation: StagedRelation,
  ctx: StageContext,
  onFolder?: (folder: string) => void,
): Promise<StageReport> {
  const columns = writtenColumns(plan.details as unknown as TablePlan, (value, target) => product.spoolColumn(value, target));
  return stageSpool(relation, { columns, form: product.spool, onFolder }, ctx);
}

/** The commit of a run: what was sent early, or else all staged files now. */
export async function commitRows(
  product: TargetProduct,
  open: Open,
  plan: OutputPlan,
  reports: readonly StageReport[],
  ctx: CommitContext,
  config: DatabaseConfig,
  early?: EarlyLoad,
): Promise<CommitReport> {
  const table = plan.details as unknown as TablePlan;
  const spools = reports.map((report) => report.staged as unknown as Spool);
  const files = spools.flatMap((spool) => spool.files);
  const rows = spools.reduce((sum, spool) => sum + spool.rows, 0);
  const facts: JsonObject = { table: plan.name, mode: table.mode, rows };
  const bytes = reports.reduce((sum, report) => sum + report.bytes, 0);
  if (spools.some((spool) => spool.form !== product.spool.kind)) throw spoolLost(ctx.runId, 'were spooled by another version of Sluice');
  const committed = (await early?.finish({ files, bytes, rows }, ctx)) === true || (await sendRows(open, table, { files, rows }, ctx, config));
  if (committed) ctx.reach('commit.target_committed');
  await ctx.completeAlone(facts);
  return { details: facts };
}

/** False: the target had committed this run before. */
async function sendRows(
  open: Open,
  plan: TablePlan,
  { files, rows }: { readonly files: readonly string[]; readonly rows: number },
  ctx: CommitContext,
  config: DatabaseConfig,
): Promise<boolean> {
  const session = await open(ctx);
  try {
    if (config.ledger !== 'none' && (await session.lastInLedger(plan.table, ctx.key))?.runId === ctx.runId) return false;
    await assertSpooled(files, ctx.runId);
    const sent = Promise.resolve({ rows, commit: ctx });
    await session.load({ plan, config, run: ctx, early: false, bytes: () => readFiles(files), sent });
    return true;
  } finally {
    await session.end();
  }
}

/** A run whose rows may be sent while they are staged. */
export function openRunWriter(product: TargetProduct, open: Open, plan: OutputPlan, run: OpenRunContext, config: DatabaseConfig): RunWriter {
  const table = plan.details as unknown as TablePlan;
  const newlineEndsLine = product.spool.kind === 'escaped';
  const early = mayBeEarly(table, config)
    ? new EarlyLoad({ plan: table, config, run, newlineEndsLine, open: (signal) => open({ ...run, signal }) })
    : undefined;
  return {
    async stage(relation, ctx) {
      let spool: GrowingSpool | undefined;
      try {
        const report = await stageRows(product, plan, relation, ctx, early && ((folder) => void (spool = early.watch(ctx.task, folder))));
        if (spool) spool.files = (report.staged as unknown as Spool).files;
        return report;
      } catch (error) {
        early?.giveUp('a task failed');
        throw error;
      }
    },
    commit: (reports, _rejects, ctx) => commitRows(product, open, plan, reports, ctx, config, early),
    close: async () => early?.close(),
  };
}

/**
 * Rows that are only added, to a table as it is: nothing is made, changed or emptied before. Without the ledger's lock the commit
 * could not wait until the server has rolled back.
 */
function mayBeEarly({ mode, refreshes, exists, columns }: TablePlan, config: DatabaseConfig): boolean {
  const adds = mode === 'append' || (mode === 'merge' && refreshes !== true);
  return adds && exists && columns.every((column) => !column.isNew) && config.before_load === undefined && config.ledger !== 'none';
}

/** A finished task's files are all there is of its rows. */
async function assertSpooled(files: readonly string[], runId: string): Promise<void> {
  for (const file of files) {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found) continue;
    throw spoolLost(runId, `are gone from the temp folder (${file})`);
  }
}

function spoolLost(runId: string, why: string): DataError {
  return new DataError({
    code: 'SPOOL_MISSING',
    message: `run ${runId}: its spooled rows ${why}`,
    hint: `start anew: sluice discard ${runId}, then run again`,
  });
}
