import { randomUUID } from 'node:crypto';
import type { Storage } from '../storage/storage.js';
import { encodeManifest } from '../table/manifest.js';
import { DATA_MANIFEST, DELETED, EXISTING, currentSchema, specById, type ManifestFile, type TableMetadata } from '../table/model.js';
import { bindSpec } from '../table/partition-record.js';
import type { TableReader } from '../table/table-reader.js';

/** Manifests of one size class that are merged into one (Iceberg's commit.manifest.min-count-to-merge). */
const MERGE_COUNT = 100;
/** Iceberg's commit.manifest.target-size-bytes. */
const TARGET_BYTES = 8 * 1024 * 1024;

export interface MergedManifests {
  readonly manifests: readonly ManifestFile[];
  /** URIs that were written. */
  readonly written: readonly string[];
}

/**
 * Merges small data manifests of like size when there are many: 100 manifests of one file become one of 100, and 100 of
 * those one of 10,000, so that no entry is rewritten more than a few times. Delete manifests stay as they are.
 */
export async function mergeManifests(
  storage: Storage,
  reader: TableReader,
  table: TableMetadata,
  manifests: readonly ManifestFile[],
  commit: { readonly snapshotId: bigint; readonly sequenceNumber: number },
  atLeast = MERGE_COUNT,
): Promise<MergedManifests> {
  if (manifests.length < atLeast) return { manifests, written: [] };
  let result = manifests;
  const written: string[] = [];
  for (const bin of binsToMerge(manifests, atLeast)) {
    const merged = await mergeBin(storage, reader, table, bin, commit);
    written.push(merged.path);
    const gone = new Set(bin);
    // The merged manifest takes the place of its newest part: lists stay ordered from new to old.
    const first = result.findIndex((m) => gone.has(m));
    result = [...result.slice(0, first), merged, ...result.slice(first).filter((m) => !gone.has(m))];
  }
  return { manifests: result, written };
}

/** How many manifests a merge would fold into fewer. */
export function countMergeable(manifests: readonly ManifestFile[], atLeast: number): number {
  return binsToMerge(manifests, atLeast).flat().length;
}

function binsToMerge(manifests: readonly ManifestFile[], atLeast: number): readonly (readonly ManifestFile[])[] {
  const classes = new Map<string, ManifestFile[]>();
  for (const manifest of manifests) {
    if (manifest.content !== DATA_MANIFEST || manifest.length >= TARGET_BYTES) continue;
    const entries = manifest.addedFiles + manifest.existingFiles + manifest.deletedFiles;
    const key = `${manifest.specId}:${Math.floor(Math.log(Math.max(1, entries)) / Math.log(MERGE_COUNT))}`;
    const found = classes.get(key);
    if (found) found.push(manifest);
    else classes.set(key, [manifest]);
  }
  return [...classes.values()].filter((c) => c.length >= atLeast).flatMap(packBySize);
}

function packBySize(manifests: readonly ManifestFile[]): readonly (readonly ManifestFile[])[] {
  const bins: ManifestFile[][] = [];
  let size = Infinity;
  for (const manifest of manifests) {
    if (size + manifest.length > TARGET_BYTES) {
      bins.push([]);
      size = 0;
    }
    bins.at(-1)?.push(manifest);
    size += manifest.length;
  }
  return bins.filter((b) => b.length > 1);
}

async function mergeBin(
  storage: Storage,
  reader: TableReader,
  table: TableMetadata,
  bin: readonly ManifestFile[],
  commit: { readonly snapshotId: bigint; readonly sequenceNumber: number },
): Promise<ManifestFile> {
  const spec = specById(table, bin[0]?.specId ?? 0);
  const read = await Promise.all(bin.map((m) => reader.entries(m)));
  const entries = read.flat().filter((e) => e.status !== DELETED);
  const { bytes, manifest } = encodeManifest({
    uri: `${table.location}/metadata/${randomUUID()}-m0.avro`,
    schema: currentSchema(table),
    spec,
    fields: bindSpec(table, spec),
    ...commit,
    entries: entries.map((e) => ({ ...e, status: EXISTING })),
  });
  await storage.write(manifest.path, bytes);
  return manifest;
}
