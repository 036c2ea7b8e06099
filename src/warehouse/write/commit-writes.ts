import type { JsonValue, StoreTransaction, JsonObject } from '../../core/spi/index.js';
import { inWorkshop, type Workshop } from '../query/sql-parts.js';
import { splitTableName } from '../catalog/table-name.js';
import { defaultSpec } from '../table/model.js';
import { bindSpec } from '../table/partition-record.js';
import { RUN_ID, commitChanges, type CommitOptions, type CommitResult, type CommitTools, type TableChange, type Version } from './commit-changes.js';
import { baseOf, factsOf } from './rebase.js';
import { rewritingChange, type RewritingChange } from './rewriting-change.js';
import { SideFiles } from './side-files.js';
import { buildSnapshot } from './snapshot-builder.js';
import { MAX_PARTITIONS, tooManyPartitions } from './stage-files.js';
import { dataFileOf, stagedFilesOf, type StagedFile } from './staged-file.js';
import type { WritePlan } from './write-plan.js';

/** Memory of the engine that looks for rows to replace and moves others; it spills. */
export const ENGINE_BYTES = 512 * 1024 * 1024;

/** One table's plan and what its tasks staged (`StageReport.staged`). */
export interface StagedWrite {
  readonly plan: WritePlan;
  readonly staged: readonly JsonValue[];
}

export interface WriteOptions extends CommitOptions {
  readonly runId: string;
  /** Parent of the folder in which `merge` and `replace_where` work; default: the system's. */
  readonly tempDir?: string;
}

/** Makes staged writes visible in one commit; see `commitChanges`. A write without files still creates or changes its table. */
export function commitWrites(tools: CommitTools, writes: readonly StagedWrite[], options: WriteOptions): Promise<CommitResult> {
  for (const { plan, staged } of writes) refuseTooMany(plan, staged.flatMap(stagedFilesOf));
  if (!writes.some(({ plan }) => rewrites(plan))) {
    const changes = writes.map((write) => addingChange(tools, write, options));
    return commitChanges(tools, changes, options);
  }
  const { tempDir, signal } = options;
  const settings = { maxMemory: ENGINE_BYTES, ...(tempDir === undefined ? {} : { tempDir }), ...(signal ? { signal } : {}) };
  return inWorkshop(settings, (shop) => commitRewriting(tools, writes, options, shop));
}

export function rewrites(plan: WritePlan): boolean {
  return plan.mergeKeys !== undefined || plan.mode === 'replace_where';
}

async function commitRewriting(tools: CommitTools, writes: readonly StagedWrite[], options: WriteOptions, shop: Workshop): Promise<CommitResult> {
  const side = new SideFiles(tools);
  const context = { shop, side, runId: options.runId, reach: options.reach };
  const rewriting: RewritingChange[] = [];
  const changes = writes.map((write): TableChange => {
    if (!rewrites(write.plan)) return addingChange(tools, write, options);
    const change = rewritingChange(tools, write.plan, write.staged.flatMap(stagedFilesOf), context);
    rewriting.push(change);
    return change;
  });
  let sent = false;
  const within = async (tx: StoreTransaction, facts: JsonObject): Promise<void> => {
    const used = rewriting.flatMap((change) => change.used());
    await side.keep(tx, used);
    const unused = rewriting.flatMap((change) => change.unused().map((file) => file.path));
    if (unused.length > 0) await tools.metastore.catalog.recordGarbage(tx, unused, tools.clock.now());
    await options.within?.(tx, facts);
    sent = true;
  };
  try {
    const result = await commitChanges(tools, changes, { ...options, within });
    await side.clean(result.alreadyCommitted ? 'all' : 'dropped');
    return result;
  } catch (error) {
    // A COMMIT without an answer may have happened; then only the record of garbage knows.
    if (!sent) await side.clean('all');
    throw error;
  }
}

/** Rows come, and with `replace` and `truncate` all others go: no file is read. */
export function addingChange(tools: CommitTools, { plan, staged }: StagedWrite, options: Pick<WriteOptions, 'runId' | 'reach'>): TableChange {
  const files = staged.flatMap(stagedFilesOf);
  const appends = plan.mode === 'append';
  return {
    name: splitTableName(plan.table),
    async build(base): Promise<Version | undefined> {
      const table = baseOf(base, plan, tools.clock.now());
      if (files.length === 0 && appends) return base && table === base.metadata ? undefined : { table, written: [], facts: factsOf(files, table) };
      const spec = defaultSpec(table);
      const fields = bindSpec(table, spec);
      const added = files.map((f) => dataFileOf(f, spec['spec-id'], fields));
      const change = {
        operation: appends ? ('append' as const) : ('overwrite' as const),
        added,
        removed: appends ? [] : ('all' as const),
        summary: { [RUN_ID]: options.runId },
      };
      const built = await buildSnapshot({ ...tools, reach: options.reach }, table, change, tools.clock.now());
      return { table: built.table, written: built.written, facts: { ...factsOf(files, table), snapshotId: String(built.snapshot['snapshot-id']) } };
    },
  };
}

function refuseTooMany(plan: WritePlan, files: readonly StagedFile[]): void {
  if (files.length <= MAX_PARTITIONS) return;
  const partitions = new Set(files.map((f) => JSON.stringify(f.partition)));
  if (partitions.size > MAX_PARTITIONS) throw tooManyPartitions(plan.table, partitions.size);
}
