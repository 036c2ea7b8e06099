import { randomUUID } from 'node:crypto';
import { ConflictError, SluiceError, type Lease, type SqlConnection } from '../../core/spi/index.js';
import { formatTableName } from '../catalog/table-name.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { inWorkshop } from '../query/sql-parts.js';
import { commitCompaction } from './commit-compaction.js';
import { planCompaction, type CompactionGroup } from './plan-compaction.js';
import { NO_COMPACTION, type CompactionUpkeep } from './report.js';
import { rewriteGroup, type OutputPlace, type RewrittenGroup } from './rewrite-group.js';
import { whyNotRewritable } from './rewritable.js';
import type { MaintainTools } from './settings.js';

const MEGABYTE = 1024 * 1024;
const HOUR = 3_600_000;
/** When the files of a pass that never committed are deleted; a pass that lasts nearly as long gives up. */
const ABANDONED = 72 * HOUR;
const GIVE_UP = 24 * HOUR;
/** Memory of the engine that sorts; the rest spills. */
const ENGINE_BYTES = 512 * MEGABYTE;
/** Leases of upkeep: no pipeline's name has a blank at its end. */
const LEASE_NAME = 'maintain ';
/** Failures of one group that say nothing about the others. */
const LEAVE_GROUP: ReadonlySet<string> = new Set(['COMPACTION_MISMATCH', 'OUT_OF_MEMORY', 'ENGINE_FAILED']);

export interface CompactionOptions {
  /** Bytes of input in one commit. */
  readonly maxBytes: number;
  /** One commit at most; default: until nothing is left to do. */
  readonly once?: boolean;
  /** See CompactionScope. */
  readonly crowded?: ReadonlySet<string>;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface CompactionResult {
  readonly done: CompactionUpkeep;
  readonly notes: readonly string[];
}

/**
 * Rewrites small files of a table into larger ones and folds position deletes in. Another process that compacts the same table
 * makes this one leave it alone. What cannot be rewritten faithfully stays, with a note.
 */
export async function compactTable(tools: MaintainTools, loaded: LoadedTable, options: CompactionOptions): Promise<CompactionResult> {
  const why = whyNotRewritable(loaded.metadata);
  if (why !== undefined) return { done: NO_COMPACTION, notes: [`not compacted: ${why}`] };
  const first = await planCompaction(tools.reader, loaded.metadata, {
    ...options,
    except: new Set(),
    ...(options.dryRun ? { maxBytes: Infinity } : {}),
  });
  if (first.length === 0) return { done: NO_COMPACTION, notes: [] };
  if (options.dryRun) return { done: forecast(first), notes: [] };
  const lease = await tryLease(tools, loaded);
  if (!lease) return { done: NO_COMPACTION, notes: ['not compacted: another process does it'] };
  try {
    const lost = tools.metastore.leaseLost(lease);
    return await compactLeased(tools, formatTableName(loaded.name), {
      ...options,
      signal: options.signal ? AbortSignal.any([options.signal, lost]) : lost,
    });
  } finally {
    await tools.metastore.releaseLease(lease);
  }
}

async function tryLease(tools: MaintainTools, loaded: LoadedTable): Promise<Lease | undefined> {
  const key = { project: await tools.metastore.projectId(), pipeline: LEASE_NAME, stream: '', target: loaded.metadata['table-uuid'] };
  try {
    return await tools.metastore.acquireLease(key, 'upkeep');
  } catch (error) {
    if (error instanceof ConflictError && error.code === 'LEASE_HELD') return undefined;
    throw error;
  }
}

async function compactLeased(
  tools: MaintainTools,
  table: string,
  options: CompactionOptions & { readonly signal: AbortSignal },
): Promise<CompactionResult> {
  const except = new Set<string>();
  const notes: string[] = [];
  let done = NO_COMPACTION;
  for (;;) {
    const loaded = await tools.catalog.findTable(table);
    if (!loaded) break;
    const groups = await planCompaction(tools.reader, loaded.metadata, { ...options, except });
    if (groups.length === 0) break;
    const pass = await compactOnce(tools, loaded, groups, options.signal);
    notes.push(...pass.notes);
    for (const group of pass.failed) for (const { file } of group.inputs) except.add(file.path);
    done = add(done, pass.committed);
    if (options.once) break;
  }
  return { done, notes };
}

interface Pass {
  readonly committed: readonly RewrittenGroup[];
  readonly failed: readonly CompactionGroup[];
  readonly notes: readonly string[];
}

async function compactOnce(tools: MaintainTools, loaded: LoadedTable, groups: readonly CompactionGroup[], signal: AbortSignal): Promise<Pass> {
  const { storage, clock, metastore } = tools;
  const folder = `${loaded.metadata.location}/data/_staging/compact-${randomUUID()}`;
  const places = groups.map(() => placeIn(loaded, folder));
  const garbage = [`${folder}/`, ...places.flatMap((p) => [p.staged, p.uri])];
  let recorded: readonly string[] = garbage;
  const started = clock.now();
  await metastore.transaction((tx) => metastore.catalog.recordGarbage(tx, recorded, started + ABANDONED));
  try {
    const pass = await rewriteAll(tools, loaded, groups, places, signal);
    if (pass.rewritten.length === 0 || clock.now() - started > GIVE_UP) return { committed: [], failed: groups, notes: pass.notes };
    // From here on only the record knows what is in use: a commit that gives no answer may still happen.
    const commit = commitCompaction(tools, loaded, pass.rewritten, signal);
    recorded = [];
    const committed = await commit;
    const used = new Set(committed.flatMap((c) => (c.output ? [c.place.uri] : [])));
    recorded = garbage.filter((uri) => !used.has(uri));
    const gaveUp = pass.rewritten.filter((r) => !committed.includes(r)).map((r) => r.group);
    const note = gaveUp.length > 0 ? [`${gaveUp.length} partitions changed while they were compacted and were left as they are`] : [];
    return { committed, failed: [...pass.failed, ...gaveUp], notes: [...pass.notes, ...note] };
  } finally {
    await storage.deleteFolder(folder);
    await storage.delete(recorded.filter((uri) => !uri.endsWith('/')));
    await metastore.catalog.forgetGarbage(recorded);
  }
}

interface Rewriting {
  readonly rewritten: readonly RewrittenGroup[];
  readonly failed: readonly CompactionGroup[];
  readonly notes: readonly string[];
}

function rewriteAll(
  tools: MaintainTools,
  loaded: LoadedTable,
  groups: readonly CompactionGroup[],
  places: readonly OutputPlace[],
  signal: AbortSignal,
): Promise<Rewriting> {
  return inWorkshop({ maxMemory: ENGINE_BYTES, threads: 2 }, async ({ sql }) => {
    const rewritten: RewrittenGroup[] = [];
    const failed: CompactionGroup[] = [];
    const notes: string[] = [];
    const stop = (): void => sql.interrupt();
    signal.addEventListener('abort', stop);
    try {
      for (const [i, group] of groups.entries()) {
        signal.throwIfAborted();
        const result = await rewriteOrNote(tools, loaded, group, places[i] as OutputPlace, sql);
        if (typeof result === 'string') {
          failed.push(group);
          notes.push(result);
        } else rewritten.push(result);
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return { rewritten, failed, notes };
  });
}

function placeIn(loaded: LoadedTable, folder: string): OutputPlace {
  const name = `${randomUUID()}.parquet`;
  return { folder, staged: `${folder}/${name}`, uri: `${loaded.metadata.location}/data/${name}` };
}

async function rewriteOrNote(
  tools: MaintainTools,
  loaded: LoadedTable,
  group: CompactionGroup,
  place: OutputPlace,
  sql: SqlConnection,
): Promise<RewrittenGroup | string> {
  try {
    return await rewriteGroup(tools.storage, loaded.metadata, group, place, sql);
  } catch (error) {
    if (!(error instanceof SluiceError) || !LEAVE_GROUP.has(error.code)) throw error;
    tools.log.log('warn', 'files could not be compacted', { table: formatTableName(loaded.name), code: error.code, error: error.message });
    return error.message;
  }
}

function forecast(groups: readonly CompactionGroup[]): CompactionUpkeep {
  const bytes = groups.reduce((sum, g) => sum + g.bytes, 0);
  const files = groups.reduce((sum, g) => sum + g.inputs.length, 0);
  return { filesBefore: files, filesAfter: groups.length, bytesBefore: bytes, bytesAfter: bytes, rowsFolded: 0, commits: 0 };
}

function add(done: CompactionUpkeep, groups: readonly RewrittenGroup[]): CompactionUpkeep {
  if (groups.length === 0) return done;
  const outputs = groups.flatMap((g) => g.output ?? []);
  return {
    filesBefore: done.filesBefore + groups.reduce((sum, g) => sum + g.group.inputs.length, 0),
    filesAfter: done.filesAfter + outputs.length,
    bytesBefore: done.bytesBefore + groups.reduce((sum, g) => sum + g.group.bytes, 0),
    bytesAfter: done.bytesAfter + outputs.reduce((sum, f) => sum + f.fileSizeInBytes, 0),
    rowsFolded: done.rowsFolded + groups.reduce((sum, g) => sum + g.rowsFolded, 0),
    commits: done.commits + 1,
  };
}
