import { BugError, ConflictError, type Clock, type JsonObject, type Point, type StoreTransaction } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import { nameTaken, type Catalog, type LoadedTable } from '../catalog/catalog.js';
import { formatTableName, type TableName } from '../catalog/table-name.js';
import type { Storage } from '../storage/storage.js';
import { nextMetadataLocation, writeTableMetadata } from '../table/metadata-file.js';
import type { TableMetadata } from '../table/model.js';
import { finishVersion, withoutSnapshots } from '../table/table-changes.js';
import type { TableReader } from '../table/table-reader.js';
import { filesOfExpired, retentionOf, snapshotsToExpire, type SnapshotRetention } from './expire-snapshots.js';

const HOUR = 3_600_000;
/** Expired files may still be read by a query that started before. */
const READER_GRACE = HOUR;
/** Old metadata.json files are only read by who fetched the pointer just before. */
const METADATA_GRACE = 5 * 60_000;
const MAX_ATTEMPTS = 100;
/** Lost swaps after which SQLite's own write lock is taken while the version is built. */
const OPTIMISTIC_ATTEMPTS = 3;

/** A table's next version, before it has a name. */
export interface Version {
  readonly table: TableMetadata;
  /** URIs that this attempt wrote and that nobody reads when it is lost. */
  readonly written: readonly string[];
  /** URIs that nothing references after this commit; deleted after a grace period. */
  readonly garbage?: readonly string[];
  /** False leaves old snapshots alone; default true. */
  readonly expire?: boolean;
  /** For the run's record. */
  readonly facts: JsonObject;
}

/** One table's part of a commit. */
export interface TableChange {
  readonly name: TableName;
  /**
   * Builds the next version on top of what the table is now; called again whenever another commit came first, so it must check its
   * own assumptions each time (ConflictError when they no longer hold). Undefined: nothing to change. `tx`: the metastore's write
   * lock is held by this transaction, so everything written there must go through it.
   */
  build(base: LoadedTable | undefined, tx?: StoreTransaction): Promise<Version | undefined>;
}

export interface CommitOptions {
  /** Found in a snapshot's `sluice.run-id`: the commit has happened before. */
  readonly runId?: string;
  readonly signal?: AbortSignal;
  reach(point: Point): void;
  /**
   * Runs in the transaction that moves the pointers, after them. Facts: those of the first table, and the others by their order
   * in `others`.
   */
  within?(tx: StoreTransaction, facts: JsonObject): Promise<void>;
}

export interface CommitResult {
  /** `{ table, tableUuid, metadataLocation, snapshotId?, …, others?: [{…}] }`. */
  readonly facts: JsonObject;
  /** True when an earlier attempt of the same run had committed; `within` was not called then. */
  readonly alreadyCommitted: boolean;
  readonly attempts: number;
}

export interface CommitTools {
  readonly metastore: Metastore;
  readonly catalog: Catalog;
  readonly storage: Storage;
  readonly reader: TableReader;
  readonly clock: Clock;
  /** For tables that say nothing themselves; see `retentionOf`. */
  readonly retention?: SnapshotRetention;
}

/** Property in a snapshot's summary that names the run which made it. */
export const RUN_ID = 'sluice.run-id';

interface Prepared {
  readonly name: TableName;
  readonly base: LoadedTable | undefined;
  readonly location: string;
  readonly table: TableMetadata;
  readonly written: readonly string[];
  readonly garbage: readonly string[];
  readonly oldMetadata: readonly string[];
  readonly facts: JsonObject;
}

class SwapLost extends Error {}

/**
 * Commits changes of several tables and `within` in one transaction of the metastore: metadata files first, durable and under new
 * names, then all pointers by compare-and-swap. A lost swap builds again on the newer version, up to 100 times. Errors:
 * ConflictError COMMIT_CONFLICT, and whatever the changes and `within` throw.
 */
export async function commitChanges(tools: CommitTools, changes: readonly TableChange[], options: CommitOptions): Promise<CommitResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    // PostgreSQL's transactions do not keep other writers out; there the swap alone decides.
    const locked = attempt > OPTIMISTIC_ATTEMPTS && tools.metastore.kind === 'sqlite';
    const result = await attemptCommit(tools, changes, options, locked);
    if (result) return { ...result, attempts: attempt };
    await tools.clock.sleep(Math.random() * Math.min(250, 5 * 2 ** Math.min(attempt, 8)), options.signal);
  }
  throw new ConflictError({
    code: 'COMMIT_CONFLICT',
    message: `${changes.map((c) => formatTableName(c.name)).join(', ')}: other commits came first ${MAX_ATTEMPTS} times`,
    hint: 'run it again; the staged files are kept and only the commit is repeated',
  });
}

async function attemptCommit(
  tools: CommitTools,
  changes: readonly TableChange[],
  options: CommitOptions,
  locked: boolean,
): Promise<Omit<CommitResult, 'attempts'> | undefined> {
  let prepared: readonly Prepared[] | undefined;
  let sent = false;
  let first: LoadedTable | undefined;
  const factsOfAll = (ready: readonly Prepared[]): JsonObject => joinFacts(withFirst(changes, first, ready));
  const prepare = async (tx?: StoreTransaction): Promise<'done' | readonly Prepared[]> => {
    const bases = await Promise.all(changes.map((c) => loadBase(tools, c.name, tx)));
    const { runId } = options;
    [first] = bases;
    if (runId !== undefined && bases.some((b) => b && hasRun(b.metadata, runId))) return 'done';
    return prepareAll(tools, changes, bases, (all) => (prepared = all), options, tx);
  };
  try {
    const early = locked ? undefined : await prepare();
    if (early === 'done') return await alreadyDone(tools, changes, options);
    const finished = await tools.metastore.transaction(async (tx) => {
      options.reach('commit.transaction_open');
      const ready = early ?? (await prepare(tx));
      if (ready === 'done') return 'done';
      await swapAll(tools, tx, ready);
      options.reach('commit.pointer_swapped');
      const facts = factsOfAll(ready);
      await options.within?.(tx, facts);
      sent = true;
      return facts;
    });
    if (finished === 'done') return await alreadyDone(tools, changes, options);
    for (const p of prepared ?? []) tools.reader.rememberMetadata(p.location, p.table);
    return { facts: finished, alreadyCommitted: false };
  } catch (error) {
    // An error of COMMIT itself says nothing about its outcome: look.
    if (sent && prepared && (await isVisible(tools, prepared))) return { facts: factsOfAll(prepared), alreadyCommitted: false };
    if (!sent) await tools.storage.delete((prepared ?? []).flatMap((p) => p.written));
    if (error instanceof SwapLost) return undefined;
    throw error;
  }
}

async function loadBase(tools: CommitTools, name: TableName, tx: StoreTransaction | undefined): Promise<LoadedTable | undefined> {
  const pointer = await tools.metastore.catalog.getTable(name.namespace, name.name, tx);
  return pointer && { name, metadataLocation: pointer.metadataLocation, metadata: await tools.reader.metadata(pointer.metadataLocation) };
}

function hasRun(table: TableMetadata, runId: string): boolean {
  return table.snapshots.some((s) => s.summary[RUN_ID] === runId);
}

async function alreadyDone(tools: CommitTools, changes: readonly TableChange[], options: CommitOptions): Promise<Omit<CommitResult, 'attempts'>> {
  const tables: JsonObject[] = [];
  for (const change of changes) {
    const base = await loadBase(tools, change.name, undefined);
    const snapshot = base?.metadata.snapshots.find((s) => s.summary[RUN_ID] === options.runId);
    if (!base) continue;
    if (snapshot)
      tables.push({ table: formatTableName(change.name), tableUuid: base.metadata['table-uuid'], snapshotId: String(snapshot['snapshot-id']) });
    else if (change === changes[0]) tables.push(unchangedFacts(base));
  }
  return { facts: joinFacts(tables), alreadyCommitted: true };
}

function joinFacts([first, ...others]: readonly JsonObject[]): JsonObject {
  return { ...first, ...(others.length > 0 ? { others } : {}) };
}

/** What the first table is stays first also when only others changed: it is the run's target, by which its state is kept. */
function withFirst(changes: readonly TableChange[], first: LoadedTable | undefined, ready: readonly Prepared[]): readonly JsonObject[] {
  const facts = ready.map((p) => p.facts);
  return ready.length > 0 && first && ready[0]?.name !== changes[0]?.name ? [unchangedFacts(first), ...facts] : facts;
}

function unchangedFacts({ name, metadata, metadataLocation }: LoadedTable): JsonObject {
  return { table: formatTableName(name), tableUuid: metadata['table-uuid'], metadataLocation };
}

async function prepareAll(
  tools: CommitTools,
  changes: readonly TableChange[],
  bases: readonly (LoadedTable | undefined)[],
  keep: (prepared: readonly Prepared[]) => void,
  options: CommitOptions,
  tx: StoreTransaction | undefined,
): Promise<readonly Prepared[]> {
  const all: Prepared[] = [];
  for (const [index, change] of changes.entries()) {
    const version = await change.build(bases[index], tx);
    if (!version) continue;
    const next = await finish(tools, change.name, bases[index], version);
    all.push(next);
    // Kept before the metadata is written, so that a failure on the way removes what there is.
    keep([...all]);
    await writeTableMetadata(tools.storage, next.location, next.table);
  }
  if (all.length > 0) options.reach('commit.metadata_written');
  return all;
}

async function finish(tools: CommitTools, name: TableName, base: LoadedTable | undefined, version: Version): Promise<Prepared> {
  const now = Math.max(tools.clock.now(), (base?.metadata['last-updated-ms'] ?? 0) + 1, version.table.snapshots.at(-1)?.['timestamp-ms'] ?? 0);
  const expired = version.expire === false ? [] : expirable(version.table, now, tools.retention);
  const garbage = [...(version.garbage ?? []), ...(await filesOfExpired(tools.reader, version.table, expired))];
  const trimmed = withoutSnapshots(version.table, new Set(expired.map((s) => s['snapshot-id'])));
  const previous = base && { location: base.metadataLocation, table: base.metadata };
  const { table, droppedFiles } = finishVersion(trimmed, previous, now);
  const location = nextMetadataLocation(table, base?.metadataLocation);
  return {
    name,
    base,
    location,
    table,
    written: [...version.written, location],
    garbage,
    oldMetadata: droppedFiles,
    facts: { table: formatTableName(name), tableUuid: table['table-uuid'], metadataLocation: location, ...version.facts },
  };
}

/** Expiry reads manifest lists, so it waits until a few snapshots are due. */
function expirable(table: TableMetadata, now: number, retention: SnapshotRetention | undefined): readonly TableMetadata['snapshots'][number][] {
  const due = snapshotsToExpire(table, retentionOf(table, retention), now);
  return due.length >= Math.min(20, table.snapshots.length / 10) ? due : [];
}

async function swapAll(tools: CommitTools, tx: StoreTransaction, prepared: readonly Prepared[]): Promise<void> {
  const store = tools.metastore.catalog;
  for (const p of prepared) {
    if (p.base) {
      if (!(await store.swapTable(tx, p.name.namespace, p.name.name, p.base.metadataLocation, p.location))) throw new SwapLost();
    } else {
      await store.createNamespace(tx, p.name.namespace);
      if (!(await store.insertTable(tx, p.name.namespace, p.name.name, p.location))) {
        // Taken by a table: another commit made it, build on that. Otherwise by a view.
        if (await store.getTable(p.name.namespace, p.name.name, tx)) throw new SwapLost();
        throw nameTaken(p.name);
      }
    }
    const now = tools.clock.now();
    if (p.garbage.length > 0) await store.recordGarbage(tx, p.garbage, now + READER_GRACE);
    if (p.oldMetadata.length > 0) await store.recordGarbage(tx, p.oldMetadata, now + METADATA_GRACE);
  }
}

async function isVisible(tools: CommitTools, prepared: readonly Prepared[]): Promise<boolean> {
  const [first] = prepared;
  if (!first) throw new BugError({ code: 'COMMIT_UNKNOWN', message: 'a commit without tables ended without an answer' });
  const pointer = await tools.metastore.catalog.getTable(first.name.namespace, first.name.name);
  if (!pointer) return false;
  if (pointer.metadataLocation === first.location) return true;
  const table = await tools.reader.metadata(pointer.metadataLocation);
  return table['metadata-log'].some((e) => e['metadata-file'] === first.location);
}
