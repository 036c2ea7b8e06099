import { indexDeletes, partitionKey } from '../query/delete-files.js';
import {
  DATA_MANIFEST,
  DELETED,
  EQUALITY_DELETES,
  currentSnapshot,
  type ManifestEntry,
  type PartitionValues,
  type TableMetadata,
} from '../table/model.js';
import { positive } from '../table/table-changes.js';
import type { TableReader } from '../table/table-reader.js';

const MEGABYTE = 1024 * 1024;
const DEFAULT_TARGET = 128 * MEGABYTE;
/** A file that is not smaller than this part of the target is left as it is. */
const FULL = 0.75;
/** Files read into one new file at most: each costs a file handle and the memory of its footer. */
const MAX_FILES = 500;
/** From this part of its rows on, a large file's deletes are worth rewriting it. */
const DELETES_WORTH = 0.05;
/** More small files than this in one partition start a pass after a commit. */
export const MANY_FILES = 30;

/** Files of one partition (of one spec) that become one file. */
export interface CompactionGroup {
  readonly specId: number;
  readonly partition: PartitionValues;
  readonly inputs: readonly ManifestEntry[];
  /** Position deletes that apply to them. */
  readonly deletes: readonly ManifestEntry[];
  readonly bytes: number;
}

export interface CompactionScope {
  /** Bytes of input at most, but at least one group. */
  readonly maxBytes: number;
  /** Partitions (`partitionKey`) with too many small files, of which only the smallest are taken; undefined: all of the table. */
  readonly crowded?: ReadonlySet<string>;
  /** Paths not to touch again. */
  readonly except: ReadonlySet<string>;
}

export function isSmall(table: TableMetadata, bytes: number): boolean {
  return bytes < FULL * targetSize(table);
}

function targetSize(table: TableMetadata): number {
  return positive(table.properties['write.target-file-size-bytes'], DEFAULT_TARGET);
}

/** What to rewrite in the current snapshot, as much as the scope allows. */
export async function planCompaction(reader: TableReader, table: TableMetadata, scope: CompactionScope): Promise<readonly CompactionGroup[]> {
  const { data, deletes } = await liveEntries(reader, table);
  const index = indexDeletes(deletes);
  const partitions = new Map<string, Candidate[]>();
  for (const entry of data) {
    const key = partitionKey(entry.file);
    if (scope.crowded && !scope.crowded.has(key)) continue;
    if (scope.except.has(entry.file.path) || entry.file.format !== 'PARQUET' || entry.file.keyMetadata) continue;
    const applied = index.of(entry);
    // Rows that equality deletes hide would come back in a newer file.
    if (applied.some((d) => d.file.content === EQUALITY_DELETES)) continue;
    if (!isSmall(table, entry.file.fileSizeInBytes) && !worthFolding(entry, applied)) continue;
    const found = partitions.get(key);
    if (found) found.push({ entry, deletes: applied });
    else partitions.set(key, [{ entry, deletes: applied }]);
  }
  const groups = [...partitions.values()].flatMap((files) => pack(scope.crowded ? smallest(files) : files, targetSize(table)));
  return withinBytes(groups, scope.maxBytes);
}

interface Candidate {
  readonly entry: ManifestEntry;
  readonly deletes: readonly ManifestEntry[];
}

async function liveEntries(reader: TableReader, table: TableMetadata): Promise<{ data: ManifestEntry[]; deletes: ManifestEntry[] }> {
  const data: ManifestEntry[] = [];
  const deletes: ManifestEntry[] = [];
  const snapshot = currentSnapshot(table);
  for (const manifest of snapshot ? await reader.manifests(snapshot) : []) {
    const kind = manifest.content === DATA_MANIFEST ? data : deletes;
    for (const entry of await reader.entries(manifest)) if (entry.status !== DELETED) kind.push(entry);
  }
  return { data, deletes };
}

function worthFolding({ file }: ManifestEntry, deletes: readonly ManifestEntry[]): boolean {
  const rows = deletes.reduce((sum, d) => sum + d.file.recordCount, 0);
  return rows > 0 && rows >= DELETES_WORTH * file.recordCount;
}

/**
 * The smallest files, up to the last one that is no larger than all before it together: so a row is rewritten about log(n)
 * times while a partition grows, not each time it gets new files.
 */
function smallest(files: readonly Candidate[]): readonly Candidate[] {
  const bySize = [...files].sort((a, b) => a.entry.file.fileSizeInBytes - b.entry.file.fileSizeInBytes);
  let sum = 0;
  let take = 0;
  for (const [i, { entry }] of bySize.entries()) {
    if (i > 0 && entry.file.fileSizeInBytes <= sum) take = i + 1;
    sum += entry.file.fileSizeInBytes;
  }
  return bySize.slice(0, take);
}

/** Old rows beside old rows: files are packed in the order they came. */
function pack(files: readonly Candidate[], target: number): readonly CompactionGroup[] {
  const ordered = [...files].sort((a, b) => a.entry.sequenceNumber - b.entry.sequenceNumber || (a.entry.file.path < b.entry.file.path ? -1 : 1));
  const bins: { files: Candidate[]; bytes: number }[] = [];
  for (const file of ordered) {
    const size = file.entry.file.fileSizeInBytes;
    const last = bins.at(-1);
    if (last && last.bytes + size <= target && last.files.length < MAX_FILES) {
      last.files.push(file);
      last.bytes += size;
    } else bins.push({ files: [file], bytes: size });
  }
  return bins.filter((bin) => bin.files.length > 1 || bin.files.some((f) => f.deletes.length > 0)).map(groupOf);
}

function groupOf({ files, bytes }: { readonly files: readonly Candidate[]; readonly bytes: number }): CompactionGroup {
  const [first] = files as readonly [Candidate, ...Candidate[]];
  return {
    specId: first.entry.file.specId,
    partition: first.entry.file.partition,
    inputs: files.map((f) => f.entry),
    deletes: [...new Set(files.flatMap((f) => f.deletes))],
    bytes,
  };
}

function withinBytes(groups: readonly CompactionGroup[], maxBytes: number): readonly CompactionGroup[] {
  let sum = 0;
  return groups.filter((group, i) => {
    if (i > 0 && sum + group.bytes > maxBytes) return false;
    sum += group.bytes;
    return true;
  });
}
