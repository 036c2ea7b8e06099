import type { Clock } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { Storage } from '../storage/storage.js';

/** Files removed at once at most, so that upkeep after a commit stays short. */
const BATCH = 500;

/** Deletes staged files and folders. Data files end in `.parquet`; everything else that staging records is a folder. */
export async function removeStaged(storage: Storage, paths: readonly string[]): Promise<void> {
  for (const path of paths) if (!path.endsWith('.parquet')) await storage.deleteFolder(path);
  await storage.delete(paths.filter((p) => p.endsWith('.parquet')));
}

/** Deletes files, and folders (with a slash at their end), whose grace period is over, and forgets their names only then. Answers how many. */
export async function removeGarbage(tools: { readonly metastore: Metastore; readonly storage: Storage; readonly clock: Clock }): Promise<number> {
  const store = tools.metastore.catalog;
  const due = await store.dueGarbage(tools.clock.now(), BATCH);
  if (due.length === 0) return 0;
  for (const folder of due.filter((path) => path.endsWith('/'))) await tools.storage.deleteFolder(folder.slice(0, -1));
  await tools.storage.delete(due.filter((path) => !path.endsWith('/')));
  await store.forgetGarbage(due);
  return due.length;
}
