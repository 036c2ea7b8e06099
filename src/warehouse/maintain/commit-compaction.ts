import { ConflictError } from '../../core/spi/index.js';
import { indexDeletes } from '../query/delete-files.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { DATA_MANIFEST, DELETED, EQUALITY_DELETES, currentSnapshot, type ManifestEntry } from '../table/model.js';
import { commitChanges, type TableChange, type Version } from '../write/commit-changes.js';
import { buildSnapshot } from '../write/snapshot-builder.js';
import type { RewrittenGroup } from './rewrite-group.js';
import type { MaintainTools } from './settings.js';

/** Summary entry that tells our compactions from other engines' rewrites. */
const MAINTAIN = 'sluice.maintain';

/**
 * Commits rewritten groups as one `replace`. Groups whose files were changed by others meanwhile are given up; answers the ones
 * that were committed. Errors: ConflictError TABLE_CHANGED, and those of `commitChanges`.
 */
export async function commitCompaction(
  tools: MaintainTools,
  loaded: LoadedTable,
  groups: readonly RewrittenGroup[],
  signal: AbortSignal | undefined,
): Promise<readonly RewrittenGroup[]> {
  let kept: readonly RewrittenGroup[] = [];
  const reach = (): void => undefined;
  const change: TableChange = {
    name: loaded.name,
    async build(base): Promise<Version | undefined> {
      if (base?.metadata['table-uuid'] !== loaded.metadata['table-uuid']) throw gone(loaded);
      const live = await liveFiles(tools, base);
      kept = groups.filter((group) => stillSame(group, live));
      if (kept.length === 0) return undefined;
      const inputs = kept.flatMap((k) => k.group.inputs);
      const added = kept.flatMap((k) => k.output ?? []);
      const removed = [...live.data.filter(inPaths(inputs)), ...uselessDeletes(kept, live)];
      const built = await buildSnapshot(
        { ...tools, reach },
        base.metadata,
        { operation: 'replace', added, removed, summary: { [MAINTAIN]: 'compact' } },
        tools.clock.now(),
      );
      return { table: built.table, written: built.written, expire: false, facts: { filesBefore: inputs.length, filesAfter: added.length } };
    },
  };
  await commitChanges(tools, [change], {
    ...(signal ? { signal } : {}),
    reach,
    async within(tx) {
      // Until now the new files counted as garbage to come, so that a crash leaves none behind.
      const uris = kept.flatMap((k) => (k.output ? [k.place.uri] : []));
      if ((await tools.metastore.catalog.forgetGarbage(uris, tx)) !== uris.length) throw gone(loaded);
    },
  });
  return kept;
}

interface LiveFiles {
  readonly data: readonly ManifestEntry[];
  readonly deletes: readonly ManifestEntry[];
}

async function liveFiles(tools: MaintainTools, { metadata }: LoadedTable): Promise<LiveFiles> {
  const data: ManifestEntry[] = [];
  const deletes: ManifestEntry[] = [];
  const snapshot = currentSnapshot(metadata);
  for (const manifest of snapshot ? await tools.reader.manifests(snapshot) : [])
    for (const entry of await tools.reader.entries(manifest))
      if (entry.status !== DELETED) (manifest.content === DATA_MANIFEST ? data : deletes).push(entry);
  return { data, deletes };
}

/** All inputs are live, and the deletes that apply to them are those that were applied. */
function stillSame({ group }: RewrittenGroup, live: LiveFiles): boolean {
  const paths = new Set(live.data.map((e) => e.file.path));
  if (!group.inputs.every((e) => paths.has(e.file.path))) return false;
  const applied = new Set(group.deletes.map((d) => d.file.path));
  const others = indexDeletes(live.deletes.filter((d) => !applied.has(d.file.path)));
  return group.inputs.every((entry) => others.of(entry).length === 0);
}

function inPaths(entries: readonly ManifestEntry[]): (entry: ManifestEntry) => boolean {
  const paths = new Set(entries.map((e) => e.file.path));
  return (entry) => paths.has(entry.file.path);
}

/** Applied position deletes that no remaining data file needs. */
function uselessDeletes(kept: readonly RewrittenGroup[], live: LiveFiles): readonly ManifestEntry[] {
  const applied = live.deletes.filter(inPaths(kept.flatMap((k) => k.group.deletes))).filter((d) => d.file.content !== EQUALITY_DELETES);
  if (applied.length === 0) return [];
  const isInput = inPaths(kept.flatMap((k) => k.group.inputs));
  const index = indexDeletes(applied);
  const needed = new Set(live.data.filter((entry) => !isInput(entry)).flatMap((entry) => index.of(entry)));
  return applied.filter((d) => !needed.has(d));
}

function gone(loaded: LoadedTable): ConflictError {
  return new ConflictError({
    code: 'TABLE_CHANGED',
    message: `${loaded.name.namespace}.${loaded.name.name}: the table or the new files went away while it was compacted`,
    hint: 'run `sluice maintain` again',
  });
}
