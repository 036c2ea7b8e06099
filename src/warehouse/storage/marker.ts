import { ConfigError, RemoteError } from '../../core/spi/index.js';
import type { Storage } from './storage.js';

/** Says whose storage this is: removal of unrecorded files needs the metastore's own id here. */
export interface StorageMarker {
  readonly metastore: string;
}

function markerUri(storage: Storage): string {
  return `${storage.root}/_sluice/warehouse.json`;
}

export async function readStorageMarker(storage: Storage): Promise<StorageMarker | undefined> {
  const uri = markerUri(storage);
  if (!(await storage.exists(uri))) return undefined;
  const text = Buffer.from(await storage.read(uri)).toString('utf8');
  try {
    const parsed = JSON.parse(text) as { metastore?: unknown };
    if (typeof parsed.metastore === 'string') return { metastore: parsed.metastore };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new ConfigError({
    code: 'STORAGE_MARKER',
    message: `${uri}: expected {"metastore": id}, found ${JSON.stringify(text.slice(0, 80))}`,
    hint: 'restore the file from a backup, or delete it to claim this storage anew',
  });
}

/** Writes the marker where there is none; answers whether the storage is this metastore's own. */
export async function claimStorage(storage: Storage, metastore: string): Promise<boolean> {
  const found = await readStorageMarker(storage);
  if (found) return found.metastore === metastore;
  try {
    await storage.write(markerUri(storage), Buffer.from(`${JSON.stringify({ metastore })}\n`));
    return true;
  } catch (error) {
    if (!(error instanceof RemoteError && error.code === 'OBJECT_EXISTS')) throw error;
    return (await readStorageMarker(storage))?.metastore === metastore;
  }
}
