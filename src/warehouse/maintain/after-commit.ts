import type { JsonValue } from '../../core/spi/index.js';
import { formatTableName, splitTableName } from '../catalog/table-name.js';
import { partitionKey } from '../query/delete-files.js';
import { DATA_MANIFEST, DELETED, currentSnapshot, defaultSpec, type DataFile, type ManifestFile, type TableMetadata } from '../table/model.js';
import { bindSpec, type BoundPartitionField } from '../table/partition-record.js';
import { compareValues, decodeValue } from '../table/single-value.js';
import { dataFileOf, stagedFilesOf } from '../write/staged-file.js';
import { compactTable } from './compact-table.js';
import { isSmall, MANY_FILES } from './plan-compaction.js';
import type { MaintainTools } from './settings.js';

/** Bytes that a commit may rewrite on the side. */
const SIDE_WORK = 256 * 1024 * 1024;
/** More partitions than this in one load are not compared with each manifest's range. */
const FEW_PARTITIONS = 50;

/**
 * Compacts, after a commit, the partitions it wrote to where they hold too many small files: bounded work, one commit of its
 * own. Deciding costs little: manifests are read only where their partition ranges and counts leave it open.
 */
export async function compactAfterCommit(tools: MaintainTools, table: string, staged: readonly JsonValue[], signal?: AbortSignal): Promise<void> {
  const loaded = await tools.catalog.findTable(formatTableName(splitTableName(table)));
  if (!loaded) return;
  const crowded = await crowdedPartitions(tools, loaded.metadata, staged);
  if (crowded.size === 0) return;
  const { done, notes } = await compactTable(tools, loaded, { maxBytes: SIDE_WORK, once: true, crowded, ...(signal ? { signal } : {}) });
  tools.log.log('debug', 'small files were compacted', { table, before: done.filesBefore, after: done.filesAfter, notes: notes.join('; ') });
}

/** Partitions of the staged files that hold more than {@link MANY_FILES} small files now. */
export async function crowdedPartitions(tools: MaintainTools, table: TableMetadata, staged: readonly JsonValue[]): Promise<ReadonlySet<string>> {
  const snapshot = currentSnapshot(table);
  if (!snapshot || Number(snapshot.summary['total-data-files'] ?? Infinity) <= MANY_FILES) return new Set();
  const spec = defaultSpec(table);
  const fields = bindSpec(table, spec);
  const written = new Map(
    staged.flatMap(stagedFilesOf).map((s): [string, DataFile] => {
      const file = dataFileOf(s, spec['spec-id'], fields);
      return [partitionKey(file), file];
    }),
  );
  const partitions = [...written.values()];
  const manifests = (await tools.reader.manifests(snapshot)).filter(
    (m) =>
      m.content === DATA_MANIFEST &&
      m.specId === spec['spec-id'] &&
      (partitions.length > FEW_PARTITIONS || partitions.some((p) => mayHold(m, p, fields))),
  );
  if (manifests.reduce((sum, m) => sum + m.addedFiles + m.existingFiles, 0) <= MANY_FILES) return new Set();
  const counts = new Map<string, number>();
  for (const manifest of manifests)
    for (const { status, file } of await tools.reader.entries(manifest)) {
      if (status === DELETED || !isSmall(table, file.fileSizeInBytes)) continue;
      const key = partitionKey(file);
      if (written.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return new Set([...counts].filter(([, count]) => count > MANY_FILES).map(([key]) => key));
}

/** By the ranges of the manifest list. */
function mayHold(manifest: ManifestFile, { partition }: DataFile, fields: readonly BoundPartitionField[]): boolean {
  return fields.every((field, i) => {
    const value = partition.get(field['field-id']) ?? null;
    const range = manifest.partitions?.[i];
    if (!range || value === null || Number.isNaN(value)) return true;
    const [lower, upper] = [range.lowerBound, range.upperBound].map((bytes) => (bytes === null ? undefined : decodeValue(field.type, bytes)));
    if (lower === undefined || upper === undefined) return range.lowerBound !== null;
    return compareValues(lower, value) <= 0 && compareValues(value, upper) <= 0;
  });
}
