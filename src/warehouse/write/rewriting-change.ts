import type { JsonObject } from '../../core/spi/index.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { splitTableName } from '../catalog/table-name.js';
import type { Workshop } from '../query/sql-parts.js';
import { defaultSpec, type DataFile, type TableMetadata } from '../table/model.js';
import { bindSpec } from '../table/partition-record.js';
import { RUN_ID, type CommitTools, type TableChange, type Version } from './commit-changes.js';
import { MergeRows } from './merge-rows.js';
import { baseOf, factsOf } from './rebase.js';
import { predicateCondition, type RowCondition } from './row-condition.js';
import { NO_STATS, RowRemover, type RemovedRows } from './row-remover.js';
import type { SideFiles } from './side-files.js';
import { buildSnapshot } from './snapshot-builder.js';
import { dataFileOf, type StagedFile } from './staged-file.js';
import type { WritePlan } from './write-plan.js';

/** A change that may be committed once its files are known to be in use. */
export interface RewritingChange extends TableChange {
  /** Files that the last `build` wrote and uses. */
  used(): readonly StagedFile[];
  /** Staged files that the last `build` had no use for. */
  unused(): readonly StagedFile[];
}

export interface RewriteContext {
  readonly shop: Workshop;
  readonly side: SideFiles;
  readonly runId: string;
  reach(point: Parameters<Parameters<typeof buildSnapshot>[0]['reach']>[0]): void;
}

const NOTHING: RemovedRows = { removed: [], rest: [], rows: 0, plan: { data: [], deletes: [], stats: NO_STATS }, version: '' };

/** `merge` and `replace_where`: rows go, their files' other rows move, the staged ones come; one snapshot. The refresh of a merge takes all rows out. */
export function rewritingChange(tools: CommitTools, plan: WritePlan, staged: readonly StagedFile[], context: RewriteContext): RewritingChange {
  const remover = { ...tools, stageRows: context.side.stage.bind(context.side), drop: (files: readonly StagedFile[]) => context.side.drop(files) };
  const refreshes = plan.mode === 'replace';
  const merge = plan.mergeKeys !== undefined ? new MergeRows(remover, plan, staged) : undefined;
  let condition: RowCondition | undefined;
  let rows: RowRemover | undefined;
  const given = new Set(staged);
  let used: readonly StagedFile[] = [];
  let unused: readonly StagedFile[] = [];
  const openOnce = async (table: TableMetadata, toFiles: (files: readonly StagedFile[]) => readonly DataFile[]): Promise<RowCondition> => {
    condition ??= merge ? await merge.open(table, toFiles, context.shop) : predicateCondition(plan.replaceWhere ?? '');
    rows ??= new RowRemover(remover, plan.table, condition);
    return condition;
  };
  return {
    name: splitTableName(plan.table),
    used: () => used,
    unused: () => unused,
    async build(base: LoadedTable | undefined, tx): Promise<Version | undefined> {
      const table = baseOf(base, plan, tools.clock.now());
      const spec = defaultSpec(table);
      const fields = bindSpec(table, spec);
      const dataFiles = (files: readonly StagedFile[]): DataFile[] => files.map((f) => dataFileOf(f, spec['spec-id'], fields));
      const opened = await openOnce(table, dataFiles);
      const removed = base && rows && !refreshes ? await rows.remove(table, context.shop, tx) : NOTHING;
      const incoming = merge ? await merge.incoming(table, removed, opened, context.shop, tx) : { files: staged, unused: [] };
      used = [...removed.rest, ...incoming.files.filter((file) => !given.has(file))];
      unused = incoming.unused;
      const added = [...incoming.files, ...removed.rest];
      const facts: JsonObject = {
        ...factsOf(incoming.files, table),
        rowsReplaced: removed.rows,
        filesRewritten: removed.plan.data.length,
        ...(merge && merge.losers > 0 ? { rowsSuperseded: merge.losers } : {}),
      };
      if (!refreshes && added.length === 0 && removed.removed.length === 0)
        return base && table === base.metadata ? undefined : { table, written: [], facts };
      const operation = refreshes
        ? ('overwrite' as const)
        : removed.removed.length === 0
          ? ('append' as const)
          : added.length === 0
            ? ('delete' as const)
            : ('overwrite' as const);
      const change = {
        operation,
        added: dataFiles(added),
        removed: refreshes ? ('all' as const) : removed.removed,
        summary: { [RUN_ID]: context.runId },
      };
      const built = await buildSnapshot({ ...tools, reach: (point) => context.reach(point) }, table, change, tools.clock.now());
      return { table: built.table, written: built.written, facts: { ...facts, snapshotId: String(built.snapshot['snapshot-id']) } };
    },
  };
}
