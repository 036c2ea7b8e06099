import type { LoadedTable } from '../catalog/catalog.js';
import { currentSnapshot, type TableMetadata } from '../table/model.js';
import { withoutSnapshots } from '../table/table-changes.js';
import { commitChanges, type TableChange } from '../write/commit-changes.js';
import { filesOfExpired, retentionOf, snapshotsToExpire } from '../write/expire-snapshots.js';
import { countMergeable } from '../write/merge-manifests.js';
import { buildSnapshot } from '../write/snapshot-builder.js';
import type { MaintainTools } from './settings.js';

/** Manifests of one size class that are worth a merge when somebody asks for upkeep. */
const MERGE_FROM = 10;
const reach = (): void => undefined;

function expirable(tools: MaintainTools, table: TableMetadata): ReturnType<typeof snapshotsToExpire> {
  return snapshotsToExpire(table, retentionOf(table, tools.retention), tools.clock.now());
}

/** Expires every snapshot that is due, in one commit; answers how many. Files they alone reached become garbage. */
export async function expireDue(tools: MaintainTools, loaded: LoadedTable, dryRun: boolean): Promise<number> {
  if (dryRun) return expirable(tools, loaded.metadata).length;
  let count = 0;
  const change: TableChange = {
    name: loaded.name,
    async build(base) {
      if (base?.metadata['table-uuid'] !== loaded.metadata['table-uuid']) return undefined;
      const due = expirable(tools, base.metadata);
      count = due.length;
      if (count === 0) return undefined;
      const table = withoutSnapshots(base.metadata, new Set(due.map((s) => s['snapshot-id'])));
      return { table, written: [], garbage: await filesOfExpired(tools.reader, base.metadata, due), expire: false, facts: {} };
    },
  };
  if (expirable(tools, loaded.metadata).length > 0) await commitChanges(tools, [change], { reach });
  return count;
}

/** Folds small manifests into fewer when there are several; answers how many were folded. */
export async function mergeSmallManifests(tools: MaintainTools, loaded: LoadedTable, dryRun: boolean): Promise<number> {
  let count = await mergeable(tools, loaded.metadata);
  if (count === 0 || dryRun) return count;
  const change: TableChange = {
    name: loaded.name,
    async build(base) {
      count = base?.metadata['table-uuid'] === loaded.metadata['table-uuid'] ? await mergeable(tools, base.metadata) : 0;
      if (!base || count === 0) return undefined;
      const merge = {
        operation: 'replace',
        added: [],
        removed: [],
        summary: { 'sluice.maintain': 'merge-manifests' },
        mergeAtLeast: MERGE_FROM,
      } as const;
      const built = await buildSnapshot({ ...tools, reach }, base.metadata, merge, tools.clock.now());
      return { table: built.table, written: built.written, expire: false, facts: {} };
    },
  };
  await commitChanges(tools, [change], { reach });
  return count;
}

async function mergeable(tools: MaintainTools, table: TableMetadata): Promise<number> {
  const snapshot = currentSnapshot(table);
  return snapshot ? countMergeable(await tools.reader.manifests(snapshot), MERGE_FROM) : 0;
}
