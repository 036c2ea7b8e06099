import { ConfigError, ConflictError, type Clock } from '../../core/spi/index.js';
import { formatTableName, type TableName } from '../catalog/table-name.js';
import { currentSnapshot, schemaById, snapshotById, type Snapshot, type TableMetadata } from '../table/model.js';
import type { TableReader } from '../table/table-reader.js';
import { RUN_ID, type TableChange } from './commit-changes.js';

/** The run that made a snapshot, where one did. */
export function runOf(snapshot: Snapshot): string | undefined {
  return snapshot.summary[RUN_ID];
}

/** What undoing a run means for one table. */
export interface Restoration {
  /** The snapshot to go back to; undefined when the run's was the first one. */
  readonly to: Snapshot | undefined;
  /** Snapshots that are no longer current history afterwards, newest first; the run's own is the last. */
  readonly undone: readonly Snapshot[];
  /** Those of them that changed rows after the run's own. */
  readonly later: readonly Snapshot[];
  /** When the oldest snapshot that can still be restored was made; milliseconds since 1970. */
  readonly reachesBackTo: number | undefined;
}

/** Operation of snapshots that move rows to other files and change none (compaction). */
const REWRITE = 'replace';

/**
 * Looks for the way back to before `runId`. Undefined: the table has no snapshot of this run. Errors: ConfigError UNDO_TOO_OLD
 * when the snapshot before it has expired, UNDO_DONE when the run's own is no longer current history.
 */
export function planRestore(name: TableName, table: TableMetadata, runId: string): Restoration | undefined {
  const line = historyOf(table);
  const at = line.findIndex((snapshot) => runOf(snapshot) === runId);
  const own = line[at];
  if (!own) {
    refuseUndone(name, table, runId);
    return undefined;
  }
  const parentId = own['parent-snapshot-id'];
  const to = parentId === undefined ? undefined : snapshotById(table, parentId);
  const oldest = line.at(-1);
  if (parentId !== undefined && !to) {
    throw new ConfigError({
      code: 'UNDO_TOO_OLD',
      message: `${formatTableName(name)}: the snapshot before run ${runId} has expired`,
      hint: `snapshots reach back to ${oldest ? new Date(oldest['timestamp-ms']).toISOString() : 'nothing'}; \`sluice show ${formatTableName(name)}\` lists them`,
    });
  }
  const undone = line.slice(0, at + 1);
  return { to, undone, later: undone.slice(0, -1).filter((s) => s.summary.operation !== REWRITE), reachesBackTo: oldest?.['timestamp-ms'] };
}

function refuseUndone(name: TableName, table: TableMetadata, runId: string): void {
  if (!table.snapshots.some((snapshot) => runOf(snapshot) === runId)) return;
  throw new ConfigError({
    code: 'UNDO_DONE',
    message: `${formatTableName(name)}: run ${runId} was undone before`,
    hint: `\`sluice show ${formatTableName(name)}\` lists the snapshots; \`sluice query --snapshot ID\` still reads them`,
  });
}

/** The current snapshot and its ancestors, newest first. */
function historyOf(table: TableMetadata): readonly Snapshot[] {
  const line: Snapshot[] = [];
  for (let at = currentSnapshot(table); at; at = at['parent-snapshot-id'] === undefined ? undefined : snapshotById(table, at['parent-snapshot-id']))
    line.push(at);
  return line;
}

/**
 * The change that makes the snapshot before `runId` current again, with the schema and partitioning of that time. Fails with
 * ConflictError TABLE_CHANGED when other commits than those of `plan` have come since it was made. A table without an
 * earlier snapshot becomes empty.
 */
export function restoreChange(
  tools: { readonly reader: TableReader; readonly clock: Clock },
  name: TableName,
  runId: string,
  plan: Restoration,
): TableChange {
  return {
    name,
    async build(base) {
      const now = base && planRestore(name, base.metadata, runId);
      if (!base || !now || now.later.length !== plan.later.length) {
        throw new ConflictError({
          code: 'TABLE_CHANGED',
          message: `${formatTableName(name)} was changed by another commit meanwhile`,
          hint: 'repeat the command',
        });
      }
      const table = await wind(tools.reader, base.metadata, now.to, Math.max(tools.clock.now(), base.metadata['last-updated-ms'] + 1));
      return { table, written: [], expire: false, facts: { restoredSnapshotId: now.to ? String(now.to['snapshot-id']) : null } };
    },
  };
}

async function wind(reader: TableReader, metadata: TableMetadata, to: Snapshot | undefined, now: number): Promise<TableMetadata> {
  if (!to) {
    const { main: _, ...refs } = metadata.refs;
    // Without a current snapshot the log must be empty (Iceberg's TableMetadata.Builder clears it, too).
    return { ...metadata, 'current-snapshot-id': -1n, refs, 'snapshot-log': [] };
  }
  const id = to['snapshot-id'];
  const then = await metadataAt(reader, metadata, id);
  const schemaId = then?.['current-schema-id'] ?? to['schema-id'] ?? metadata['current-schema-id'];
  const fields = new Set(schemaById(metadata, schemaId).fields.map((field) => field.id));
  const fits = (specId: number): boolean =>
    metadata['partition-specs'].some((s) => s['spec-id'] === specId && s.fields.every((f) => f.transform === 'void' || fields.has(f['source-id'])));
  const specId = [then?.['default-spec-id'], metadata['default-spec-id']].find((spec) => spec !== undefined && fits(spec));
  return {
    ...metadata,
    'current-snapshot-id': id,
    'current-schema-id': schemaId,
    'default-spec-id': specId ?? lastFittingSpec(metadata, fits),
    refs: { ...metadata.refs, main: { ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': now, 'snapshot-id': id }],
  };
}

/** The metadata file as it was when the snapshot was current: it alone knows the partitioning of that time. */
async function metadataAt(reader: TableReader, table: TableMetadata, snapshotId: bigint): Promise<TableMetadata | undefined> {
  for (const { 'metadata-file': file } of [...table['metadata-log']].reverse()) {
    const old = await reader.metadata(file).catch((error: { code?: string }) => {
      // Old metadata files are deleted after a while; what they said about the schema, the snapshot says too.
      if (error.code === 'OBJECT_MISSING') return undefined;
      throw error;
    });
    if (!old) return undefined;
    if (old['current-snapshot-id'] === snapshotId) return old;
  }
  return undefined;
}

function lastFittingSpec(table: TableMetadata, fits: (specId: number) => boolean): number {
  return table['partition-specs'].findLast((spec) => fits(spec['spec-id']))?.['spec-id'] ?? table['default-spec-id'];
}
