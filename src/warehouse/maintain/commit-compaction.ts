import { ConflictError } from '../../core/spi/index.js';
import { indexDeletes } from '../query/delete-files.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { commitChanges, type TableChange, type Version } from '../write/commit-changes.js';
import { inPaths, liveFiles, uselessDeletes, type LiveFiles } from '../write/live-files.js';
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
      const live = await liveFiles(tools.reader, base.metadata);
      kept = groups.filter((group) => stillSame(group, live));
      if (kept.length === 0) return undefined;
      const inputs = kept.flatMap((k) => k.group.inputs);
      const added = kept.flatMap((k) => k.output ?? []);
      const applied = kept.flatMap((k) => k.group.deletes);
      const removed = [...live.data.filter(inPaths(inputs)), ...uselessDeletes(live, inputs, applied)];
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

/** All inputs are live, and the deletes that apply to them are those that were applied. */
function stillSame({ group }: RewrittenGroup, live: LiveFiles): boolean {
  const paths = new Set(live.data.map((e) => e.file.path));
  if (!group.inputs.every((e) => paths.has(e.file.path))) return false;
  const applied = new Set(group.deletes.map((d) => d.file.path));
  const others = indexDeletes(live.deletes.filter((d) => !applied.has(d.file.path)));
  return group.inputs.every((entry) => others.of(entry).length === 0);
}

function gone(loaded: LoadedTable): ConflictError {
  return new ConflictError({
    code: 'TABLE_CHANGED',
    message: `${loaded.name.namespace}.${loaded.name.name}: the table or the new files went away while it was compacted`,
    hint: 'run `sluice maintain` again',
  });
}
