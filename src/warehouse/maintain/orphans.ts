import { ConfigError, type RunStatus } from '../../core/spi/index.js';
import { formatTableName } from '../catalog/table-name.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { readStorageMarker } from '../storage/marker.js';
import type { StoredObject } from '../storage/storage.js';
import { reachableFiles } from './reachable-files.js';
import type { OrphanUpkeep } from './report.js';
import type { MaintainTools } from './settings.js';

/** A writer may be between its upload and its commit. */
const MIN_AGE = 72 * 3_600_000;
const SHOWN = 100;
const MAY_COMMIT: readonly RunStatus[] = ['running', 'held', 'failed', 'cancelled'];

/** Files of each table's folder that nothing names; see `findOrphans`. */
export interface FoundOrphans {
  readonly table: string;
  readonly files: readonly StoredObject[];
}

/**
 * Looks below the tables' own folders for files older than three days that no metadata, no run and no other record names.
 * Errors: ConfigError STORAGE_FOREIGN when the storage does not carry this metastore's id, METASTORE_BEHIND when the storage
 * holds newer table metadata than the metastore knows: what a restored metastore has forgotten is not unneeded.
 */
export async function findOrphans(tools: MaintainTools, tables: readonly string[]): Promise<readonly FoundOrphans[]> {
  await requireOwnStorage(tools);
  const listed: { readonly loaded: LoadedTable; readonly objects: readonly StoredObject[] }[] = [];
  for (const table of tables) {
    const loaded = await tools.catalog.loadTable(table);
    // A folder that holds more than this storage's tables is not ours to clean.
    if (!loaded.metadata.location.startsWith(`${tools.storage.root}/`)) continue;
    listed.push({ loaded, objects: await candidates(tools, loaded) });
  }
  // In this order: what a run stages is recorded until its commit names it, so one of both sets has it.
  const recorded = await recordedPaths(tools);
  const others = await locations(tools);
  const found: FoundOrphans[] = [];
  for (const { loaded, objects } of listed) {
    const now = await tools.catalog.loadTable(formatTableName(loaded.name));
    if (now.metadata.location !== loaded.metadata.location) continue;
    const files = await reachableFiles(tools.reader, now.metadataLocation, now.metadata);
    const foreign = others.filter((location) => location.startsWith(`${now.metadata.location}/`));
    const unnamed = objects.filter(({ uri }) => !files.has(uri) && !recorded.has(uri) && !foreign.some((location) => uri.startsWith(`${location}/`)));
    refuseNewer(now, unnamed);
    found.push({ table: formatTableName(loaded.name), files: unnamed.filter((object) => isOld(tools, object)) });
  }
  return found;
}

export async function removeOrphans(tools: MaintainTools, found: FoundOrphans): Promise<void> {
  await tools.storage.delete(found.files.map((f) => f.uri));
}

export function describeOrphans({ files }: FoundOrphans, deleted: boolean): OrphanUpkeep {
  const bytes = files.reduce((sum, f) => sum + f.size, 0);
  return { files: files.length, bytes, deleted: deleted && files.length > 0, paths: files.slice(0, SHOWN).map((f) => f.uri) };
}

async function requireOwnStorage(tools: MaintainTools): Promise<void> {
  const marker = await readStorageMarker(tools.storage);
  if (marker?.metastore === tools.metastore.id) return;
  throw new ConfigError({
    code: 'STORAGE_FOREIGN',
    message: `${tools.storage.root}: expected a storage that carries the id of this metastore (${tools.metastore.id}), found ${marker ? marker.metastore : 'no id'}`,
    hint: 'run the command in the project whose metastore knows these tables; orphans are never removed from elsewhere',
  });
}

/** Metadata of any age is kept, since newer metadata than the pointer's is what stops the whole command. */
async function candidates(tools: MaintainTools, { metadata }: LoadedTable): Promise<readonly StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of tools.storage.list(metadata.location))
    if (isOld(tools, object) || versionOf(object.uri) !== undefined) objects.push(object);
  return objects;
}

function isOld(tools: MaintainTools, object: StoredObject): boolean {
  return object.modified < tools.clock.now() - MIN_AGE;
}

async function recordedPaths(tools: MaintainTools): Promise<{ has(uri: string): boolean }> {
  const { metastore } = tools;
  const files = new Set(await metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
  const folders: string[] = [];
  for (const status of MAY_COMMIT)
    for (const run of await metastore.listRuns({ status }))
      for (const { path } of await metastore.stagedPaths(run.runId)) {
        if (path.endsWith('.parquet')) files.add(path);
        else if (path !== '') folders.push(`${path}/`);
      }
  return { has: (uri) => files.has(uri) || folders.some((folder) => uri.startsWith(folder)) };
}

async function locations(tools: MaintainTools): Promise<readonly string[]> {
  const pointers = (await tools.metastore.catalog.listTables()).filter((t) => t.icebergType === null || t.icebergType === 'TABLE');
  const dropped = await tools.metastore.catalog.listDropped();
  const known = await Promise.all(pointers.map(async (p) => (await tools.reader.metadata(p.metadataLocation)).location));
  // A dropped table's metadata may have been deleted by hand.
  return [...known, ...dropped.map((d) => d.metadataLocation.replace(/\/metadata\/[^/]*$/, ''))];
}

/** The number in `00012-….metadata.json` or `v12.metadata.json`. */
function versionOf(uri: string): number | undefined {
  const match = /\/v?(\d+)(?:-[^/]*)?(?:\.gz)?\.metadata\.json(?:\.gz)?$/.exec(uri);
  return match ? Number(match[1]) : undefined;
}

function refuseNewer(loaded: LoadedTable, orphans: readonly StoredObject[]): void {
  const current = versionOf(loaded.metadataLocation) ?? -1;
  const newer = orphans.find(({ uri }) => (versionOf(uri) ?? -1) > current);
  if (!newer) return;
  throw new ConfigError({
    code: 'METASTORE_BEHIND',
    message: `${formatTableName(loaded.name)}: the storage holds newer table metadata (${newer.uri}) than the metastore points at (${loaded.metadataLocation})`,
    hint: 'the metastore seems to be restored from a backup: bring it up to date first; if a killed commit left this one file, load into the table once, or delete the file',
  });
}
