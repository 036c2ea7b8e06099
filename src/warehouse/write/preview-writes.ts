import { inWorkshop, type Workshop } from '../query/sql-parts.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { splitTableName } from '../catalog/table-name.js';
import type { TableMetadata } from '../table/model.js';
import type { CommitTools } from './commit-changes.js';
import { addingChange, ENGINE_BYTES, rewrites, type StagedWrite } from './commit-writes.js';
import { rewritingChange } from './rewriting-change.js';
import { SideFiles } from './side-files.js';
import { stagedFilesOf } from './staged-file.js';

export interface PreviewOptions {
  readonly runId: string;
  readonly tempDir?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs `use` with the tables as they would be after a commit now, by name (`shop.orders`). Nothing is committed: what the next
 * versions need of files is written and deleted afterwards. Errors: those of a commit's changes.
 */
export function previewWrites<T>(
  tools: CommitTools,
  writes: readonly StagedWrite[],
  options: PreviewOptions,
  use: (tables: ReadonlyMap<string, TableMetadata>) => Promise<T>,
): Promise<T> {
  if (!writes.some(({ plan }) => rewrites(plan))) return preview(tools, writes, options, undefined, use);
  const { tempDir, signal } = options;
  const settings = { maxMemory: ENGINE_BYTES, ...(tempDir === undefined ? {} : { tempDir }), ...(signal ? { signal } : {}) };
  return inWorkshop(settings, (shop) => preview(tools, writes, options, shop, use));
}

async function preview<T>(
  tools: CommitTools,
  writes: readonly StagedWrite[],
  { runId }: PreviewOptions,
  shop: Workshop | undefined,
  use: (tables: ReadonlyMap<string, TableMetadata>) => Promise<T>,
): Promise<T> {
  const side = new SideFiles(tools);
  const reach = (): void => undefined;
  const tables = new Map<string, TableMetadata>();
  const written: string[] = [];
  try {
    for (const write of writes) {
      const { plan, staged } = write;
      const change =
        shop && rewrites(plan)
          ? rewritingChange(tools, plan, staged.flatMap(stagedFilesOf), { shop, side, runId, reach })
          : addingChange(tools, write, { runId, reach });
      const base: LoadedTable | undefined = await tools.catalog.findTable(plan.table);
      const version = await change.build(base);
      written.push(...(version?.written ?? []));
      const table = version?.table ?? base?.metadata;
      const { namespace, name } = splitTableName(plan.table);
      if (table) tables.set(`${namespace}.${name}`, table);
    }
    return await use(tables);
  } finally {
    await side.clean('all');
    await tools.storage.delete(written);
  }
}
