import { randomUUID } from 'node:crypto';
import { engineError, engineErrorKind } from '../../core/duckdb/index.js';
import { parseReturnStats, type WrittenFile } from '../../core/duckdb/return-stats.js';
import { DataError, type JsonValue, type Point, type SqlConnection, type StageReport } from '../../core/spi/index.js';
import type { Storage } from '../storage/storage.js';
import type { IcebergSchema, NestedField } from '../table/model.js';
import type { BoundPartitionField } from '../table/partition-record.js';
import { parseTransform, transformedType } from '../table/transforms.js';
import { STATUS_NAME, copySql, firstKeySql, isReplacedKey, partitionName, type CopyInput } from './copy-sql.js';
import { describeStagedFile, partitionOf, type StagedFile } from './staged-file.js';
import type { WritePlan } from './write-plan.js';

/** More partitions than this in one load mean a wrong `partition_by`, not data. */
export const MAX_PARTITIONS = 5000;
/** Open partition files before DuckDB starts a second file for a partition; about 1 MB of memory each. */
const OPEN_FILES = 1000;
/** Parts that the last attempt after out-of-memory is cut into. */
const GROUPS = 8;

export interface StageOptions {
  /** Names the staging folder; unique per attempt of a task. */
  readonly stagingId: string;
  /** Stores paths in the metastore before anything is written there. */
  record(paths: readonly string[]): Promise<void>;
  reach(point: Point): void;
}

/** The relation of a task: see StagedRelation of the output contract. */
export interface RelationToStage {
  readonly select: string;
  readonly statusColumn: string;
  readonly statuses?: { readonly lowest: number; readonly highest: number };
}

/** The spec's fields with types, from a plan. */
export function planPartition(plan: WritePlan): readonly BoundPartitionField[] {
  return plan.partition.map((field) => {
    const source = plan.fields.find((f) => f.id === field['source-id']);
    const sourceType = typeof source?.type === 'string' ? source.type : 'string';
    return { ...field, sourceType, type: transformedType(parseTransform(field.transform), sourceType) };
  });
}

/**
 * Writes a task's rows as Parquet files under their final, still unreferenced names. Errors: DataError TOO_MANY_PARTITIONS,
 * RemoteError of the engine and the file system.
 */
export async function stageFiles(
  storage: Storage,
  plan: WritePlan,
  relation: RelationToStage,
  sql: SqlConnection,
  options: StageOptions,
): Promise<StageReport> {
  const partition = planPartition(plan);
  const staging = `${plan.location}/data/_staging/${options.stagingId}`;
  await options.record([staging]);
  const { select, statusColumn, statuses: range } = relation;
  const keepsAll = range?.lowest === 0 && range.highest === 0;
  const input = { select, statusColumn, keepsAll, columns: plan.columns, fields: writtenFields(plan), partition };
  const written = await copyWithRetries(storage, staging, input, sql);
  options.reach('task.copied');

  const statuses: Record<string, number> = {};
  const kept: WrittenFile[] = [];
  let rows = 0;
  for (const file of written) {
    const status = file.partition.get(STATUS_NAME) ?? '0';
    if (status !== '0') statuses[status] = (statuses[status] ?? 0) + file.rows;
    else if (file.rows > 0) {
      kept.push(file);
      rows += file.rows;
    }
  }
  refuseTooMany(plan, kept);
  const files = await publish(storage, plan, partition, await withWholeKeys(kept, plan, partition, sql), options);
  await storage.deleteFolder(staging);
  options.reach('task.files_moved');
  return { rows, statuses, bytes: files.reduce((sum, f) => sum + f.bytes, 0), files: files.length, staged: files as unknown as JsonValue };
}

function writtenFields(plan: WritePlan): readonly NestedField[] {
  const byId = new Map(plan.fields.map((f) => [f.id, f]));
  return plan.columns.map((c) => byId.get(c.id) ?? { id: c.id, name: c.name, required: false, type: c.type });
}

/** Files whose rows are asked for their partition value in one statement. */
const ASKED_AT_ONCE = 100;

/** The files with their partition values, where COPY had only a substitute. */
async function withWholeKeys(
  files: readonly WrittenFile[],
  plan: WritePlan,
  partition: readonly BoundPartitionField[],
  sql: SqlConnection,
): Promise<readonly WrittenFile[]> {
  const asked = files.flatMap((file, index) =>
    partition.filter((field) => isReplacedKey(field, file.partition.get(partitionName(field)))).map((field) => ({ file, index, field })),
  );
  const found = files.map((file) => new Map(file.partition));
  for (let from = 0; from < asked.length; from += ASKED_AT_ONCE) {
    const some = asked.slice(from, from + ASKED_AT_ONCE);
    const keys = some.map(({ file, field }, i) => `${firstKeySql(field, plan.columns, file.path)} AS k${i}`);
    const [row] = await sql.rows(`SELECT ${keys.join(', ')}`);
    for (const [i, { index, field }] of some.entries()) found[index]?.set(partitionName(field), String(row?.[`k${i}`] as string));
  }
  return files.map((file, index) => ({ ...file, partition: found[index] ?? file.partition }));
}

async function publish(
  storage: Storage,
  plan: WritePlan,
  partition: readonly BoundPartitionField[],
  kept: readonly WrittenFile[],
  options: StageOptions,
): Promise<readonly StagedFile[]> {
  const schema: IcebergSchema = { type: 'struct', 'schema-id': 0, fields: plan.fields };
  const named = kept.map((file) => ({
    file,
    values: partitionOf(file, partition),
    uri: `${plan.location}/data/${partitionFolder(file, partition)}${randomUUID()}.parquet`,
  }));
  if (named.length > 0) {
    await options.record(named.map((n) => n.uri));
    await storage.publish(named.map((n) => ({ localPath: n.file.path, uri: n.uri })));
  }
  return named.map((n) => describeStagedFile(n.file, n.uri, schema, partition, n.values));
}

/** Folders are for people only (`ordered_at_day=19723/`); engines decode no `%`, so unsafe characters become `_`. */
function partitionFolder(file: WrittenFile, partition: readonly BoundPartitionField[]): string {
  return partition
    .map((field) => {
      const text = file.partition.get(`__p_${field['field-id']}`) ?? 'null';
      const shown = field.transform === 'day' && /^-?\d+$/.test(text) ? dayText(Number(text)) : text;
      return `${safe(field.name)}=${safe(shown)}/`;
    })
    .join('');
}

function dayText(day: number): string {
  const date = new Date(day * 86_400_000);
  return Number.isNaN(date.getTime()) ? String(day) : date.toISOString().replace(/T.*/, '');
}

function safe(text: string): string {
  const cleaned = text.replace(/[^A-Za-z0-9_.-]/gu, '_').slice(0, 60);
  return /^\.*$/.test(cleaned) ? `_${cleaned}` : cleaned;
}

function refuseTooMany(plan: WritePlan, files: readonly WrittenFile[]): void {
  if (files.length <= MAX_PARTITIONS) return;
  const partitions = new Set(files.map((f) => JSON.stringify([...f.partition])));
  if (partitions.size > MAX_PARTITIONS) throw tooManyPartitions(plan.table, partitions.size);
}

export function tooManyPartitions(table: string, count: number): DataError {
  return new DataError({
    code: 'TOO_MANY_PARTITIONS',
    message: `${table}: this load makes ${count} partitions, at most ${MAX_PARTITIONS} are written at once`,
    hint: 'partition by a coarser value, such as partition_by: [month(column)], or load less at a time',
  });
}

/** As it is, then sorted by partition, then on one thread, then in groups of partitions. */
async function copyWithRetries(
  storage: Storage,
  staging: string,
  input: Omit<CopyInput, 'folder' | 'sorted'>,
  sql: SqlConnection,
): Promise<WrittenFile[]> {
  const copy = async (sorted: boolean, group?: CopyInput['group']): Promise<WrittenFile[]> => {
    const folder = await storage.staging(group ? `${staging}/${group.index}` : staging);
    const text = copySql({ ...input, folder, sorted, ...(group ? { group } : {}) });
    return parseReturnStats(await sql.rows(text));
  };
  const attempts: readonly (() => Promise<WrittenFile[]>)[] = [
    () => copy(false),
    () => copy(true),
    () => onOneThread(sql, () => copy(true)),
    () =>
      onOneThread(sql, async () => {
        const all: WrittenFile[] = [];
        for (let index = 0; index < GROUPS; index++) all.push(...(await copy(true, { index, of: GROUPS })));
        return all;
      }),
  ];
  await sql.run(`SET partitioned_write_max_open_files = ${OPEN_FILES}`);
  for (const [index, attempt] of attempts.entries()) {
    try {
      return await attempt();
    } catch (error) {
      if (engineErrorKind(error) !== 'out-of-memory' || index === attempts.length - 1) throw engineError(error, 'writing Parquet files');
      await storage.deleteFolder(staging);
    }
  }
  return [];
}

async function onOneThread<T>(sql: SqlConnection, work: () => Promise<T>): Promise<T> {
  const [before] = await sql.rows("SELECT current_setting('threads') AS threads");
  await sql.run('SET threads = 1');
  try {
    return await work();
  } finally {
    await sql.run(`SET threads = ${Number(before?.['threads'] ?? 1)}`);
  }
}
