import { ConflictError, type JsonObject } from '../../core/spi/index.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { splitTableName } from '../catalog/table-name.js';
import { indexDeletes } from '../query/delete-files.js';
import { DATA_MANIFEST, DELETED, currentSnapshot, defaultSpec, type ManifestEntry, type PartitionField, type TableMetadata } from '../table/model.js';
import { bindSpec } from '../table/partition-record.js';
import { samePartition } from '../table/table-changes.js';
import type { TableReader } from '../table/table-reader.js';
import { liveFiles, uselessDeletes } from './live-files.js';
import { RUN_ID, type TableChange, type Version } from './commit-changes.js';
import { buildSnapshot, type SnapshotTools } from './snapshot-builder.js';
import { dataFileOf, type StagedFile } from './staged-file.js';

/** Takes data files out of a table and puts files with what is left of their rows in. */
export interface Rewrite {
  /** `shop.orders`. */
  readonly table: string;
  readonly tableUuid: string;
  /** Entries as the planned snapshot had them; `all`: whatever the table holds when it is committed. */
  readonly removed: readonly ManifestEntry[] | 'all';
  /** URIs of the delete files that were applied when `added` was made. */
  readonly appliedDeletes: ReadonlySet<string>;
  readonly added: readonly StagedFile[];
  /** Fields of the spec that `added` is laid out by. */
  readonly partition: readonly PartitionField[];
  readonly operation: 'delete' | 'overwrite' | 'replace';
  readonly runId: string;
  readonly facts: JsonObject;
}

/**
 * The change that commits a rewrite. Appends by others in between are kept; a file that is gone, got new deletes, or a new
 * partitioning ends it with ConflictError TABLE_CHANGED, since the rewritten rows no longer say what the table holds.
 */
export function rewriteChange(tools: SnapshotTools, rewrite: Rewrite, now: () => number): TableChange {
  return {
    name: splitTableName(rewrite.table),
    async build(base): Promise<Version | undefined> {
      if (base?.metadata['table-uuid'] !== rewrite.tableUuid) throw changed(rewrite, 'the name now means another table, or none');
      const { metadata } = base;
      if (rewrite.removed === 'all' ? !currentSnapshot(metadata) : rewrite.removed.length === 0) return undefined;
      if (rewrite.added.length > 0 && !samePartition(defaultSpec(metadata).fields, rewrite.partition))
        throw changed(rewrite, 'its partitioning was changed');
      const removed = rewrite.removed === 'all' ? 'all' : await withUselessDeletes(tools.reader, base, rewrite, rewrite.removed);
      const built = await buildSnapshot(
        tools,
        metadata,
        { operation: rewrite.operation, added: addedFiles(metadata, rewrite.added), removed, summary: { [RUN_ID]: rewrite.runId } },
        now(),
      );
      return { table: built.table, written: built.written, facts: { ...rewrite.facts, snapshotId: String(built.snapshot['snapshot-id']) } };
    },
  };
}

function addedFiles(metadata: TableMetadata, staged: readonly StagedFile[]): ReturnType<typeof dataFileOf>[] {
  const spec = defaultSpec(metadata);
  const fields = bindSpec(metadata, spec);
  return staged.map((file) => dataFileOf(file, spec['spec-id'], fields));
}

/** The files that go, and with them the position deletes that then apply to nothing. */
async function withUselessDeletes(
  reader: TableReader,
  base: LoadedTable,
  rewrite: Rewrite,
  wanted: readonly ManifestEntry[],
): Promise<readonly ManifestEntry[]> {
  const removed = await stillLive(reader, base, rewrite, wanted);
  const live = await liveFiles(reader, base.metadata);
  const applied = live.deletes.filter((entry) => rewrite.appliedDeletes.has(entry.file.path));
  return [...removed, ...uselessDeletes(live, removed, applied)];
}

async function stillLive(
  reader: TableReader,
  base: LoadedTable,
  rewrite: Rewrite,
  removed: readonly ManifestEntry[],
): Promise<readonly ManifestEntry[]> {
  const snapshot = currentSnapshot(base.metadata);
  const wanted = new Set(removed.map((e) => e.file.path));
  const live: ManifestEntry[] = [];
  const newDeletes: ManifestEntry[] = [];
  for (const manifest of snapshot ? await reader.manifests(snapshot) : []) {
    for (const entry of await reader.entries(manifest)) {
      if (entry.status === DELETED) continue;
      if (manifest.content !== DATA_MANIFEST) {
        if (!rewrite.appliedDeletes.has(entry.file.path)) newDeletes.push(entry);
      } else if (wanted.has(entry.file.path)) live.push(entry);
    }
  }
  const deletes = indexDeletes(newDeletes);
  if (removed.some((entry) => deletes.of(entry).length > 0)) throw changed(rewrite, 'rows of the same files were deleted meanwhile');
  if (live.length !== wanted.size) throw changed(rewrite, 'files were rewritten or removed meanwhile');
  return live;
}

function changed(rewrite: Rewrite, what: string): ConflictError {
  return new ConflictError({
    code: 'TABLE_CHANGED',
    message: `${rewrite.table}: the table changed while its rows were read: ${what}`,
    hint: 'run it again',
  });
}
