import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import {
  fileSystemError,
  type FileFormat,
  type JsonValue,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../../../core/spi/index.js';
import { refuseExisting } from './existing.js';
import { intentName } from './manifest.js';
import { namesAreUnique, objectName } from './naming.js';
import type { Place } from './place.js';
import type { ObjectPlan } from './plan.js';
import { copyFiles } from './write-files.js';

/** One object between staging and commit; plain JSON. */
export interface StagedObject {
  readonly name: string;
  readonly bytes: number;
  /** Null where one COPY wrote several files. */
  readonly rows: number | null;
  readonly token: JsonValue;
}

/** What a task's report holds for the commit. */
export interface StagedObjects {
  readonly objects: readonly StagedObject[];
  /** URI of the task's staging folder, or null. */
  readonly folder: string | null;
}

/** Writes a task's rows as finished objects that nobody sees yet. A task without rows stages one empty file (header only). */
export async function stageObjects(
  plan: ObjectPlan,
  target: string,
  relation: StagedRelation,
  format: FileFormat,
  place: Place,
  ctx: StageContext,
): Promise<StageReport> {
  const number = (index: number): { runId: string; task: number; index: number } => ({ runId: ctx.runId, task: ctx.task, index });
  if (!plan.replaces && plan.partition.length === 0 && !namesAreUnique(plan.pattern) && !plan.overwrite)
    await refuseExisting(place, [objectName(plan.pattern, number(0))], ctx);
  const id = `${ctx.task}-${randomUUID().slice(0, 8)}`;
  const own = place.stagingFolder?.(ctx.runId, id);
  const folder = own ?? join(ctx.tempDir, `objects-${id}`);
  await ctx.record([place.base + intentName(ctx.runId, target), ...(own === undefined ? [] : [pathToFileURL(own).href])]);

  const copied = await copyFiles(plan, relation, folder, ctx.sql);
  ctx.reach('objects.copied');
  const objects: StagedObject[] = [];
  const next = new Map<string, number>();
  for (const file of copied.files) {
    ctx.signal.throwIfAborted();
    const index = next.get(file.folder) ?? 0;
    next.set(file.folder, index + 1);
    const ready = plan.file.encoded ? await encodeFile(file.path, format, plan, ctx) : file;
    const name = objectName(plan.pattern, number(index), file.folder);
    const token = await place.stage({ path: ready.path, bytes: ready.bytes, name, id: `${id}-${objects.length}` }, ctx);
    objects.push({ name, bytes: ready.bytes, rows: copied.files.length === 1 ? copied.rows : null, token });
  }
  if (own === undefined) await rm(folder, { recursive: true, force: true });
  ctx.reach('objects.staged');
  const staged: StagedObjects = { objects, folder: own === undefined ? null : pathToFileURL(own).href };
  return {
    rows: copied.rows,
    statuses: copied.statuses,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    files: objects.length,
    staged: staged as unknown as JsonValue,
  };
}

async function encodeFile(path: string, format: FileFormat, plan: ObjectPlan, ctx: StageContext): Promise<{ path: string; bytes: number }> {
  const encoded = `${path}.encoded`;
  try {
    const bytes = format.encode(createReadStream(path, { highWaterMark: 256 << 10 }), plan.file, ctx);
    await pipeline(Readable.from(copied(bytes)), createWriteStream(encoded), { signal: ctx.signal });
    await rm(path);
    return { path: encoded, bytes: (await stat(encoded)).size };
  } catch (error) {
    throw fileSystemError(error, `writing ${encoded}`);
  }
}

/** The write of a chunk goes on in another thread when the next one is asked for. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield Uint8Array.from(chunk);
}
