import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  DataError,
  type DecoderPlugin,
  type FileInputPlugin,
  type JsonObject,
  type ParserFile,
  type PluginContext,
  type SourceFile,
  type TaskContext,
} from '../spi/index.js';
import { localBytes, rawBytes } from './file-plan.js';
import type { Configured, SourcePipeline } from './pipeline.js';
import { makeTempFolder } from './temp-folders.js';

/** A file of a task, as stored in the plan. */
export interface TaskFile {
  readonly file: SourceFile;
  /** First byte to read; > 0 continues a grown file. */
  readonly offset: number;
  /** First byte not to read: the last complete record's end at plan time. Undefined: the whole file. */
  readonly end?: number;
  readonly decoders: readonly string[];
}

/** Which decoders a file needs: the config's, else by its extension. */
export function decodersOf(pipeline: SourcePipeline, name: string): readonly Configured<DecoderPlugin>[] {
  if (pipeline.decoders) return pipeline.decoders;
  const lower = name.toLowerCase();
  const found = pipeline.knownDecoders.find((d) => d.plugin.extensions.some((extension) => lower.endsWith(extension)));
  return found ? [found] : [];
}

/**
 * The parser's view of a file: local path where nothing stands between, and streams of raw and decoded bytes. In a task
 * (`taskCtx`) a file from elsewhere is fetched first, where its input can; `removeFetched` deletes the copies.
 */
export async function openParserFile(pipeline: SourcePipeline, task: TaskFile, ctx: PluginContext, taskCtx?: TaskContext): Promise<ParserFile> {
  const input = pipeline.input as Configured<FileInputPlugin>;
  const decoders = task.decoders.map((type) => {
    const found = [...(pipeline.decoders ?? []), ...pipeline.knownDecoders].find((d) => d.plugin.type === type);
    if (!found)
      throw new ConfigError({
        code: 'DECODER_UNKNOWN',
        message: `${task.file.name}: the plan names decoder ${type}, which is not configured`,
        hint: 'start a new run',
      });
    return found;
  });
  const config = input.config as JsonObject;
  const fetched = taskCtx && (await fetchFile(input, task.file, taskCtx));
  const opened = fetched ?? (await input.plugin.open(task.file, config, ctx));
  const size = fetched ? (await stat(fetched.path)).size : task.file.size;
  const whole = task.offset === 0 && task.end === undefined;
  const bytes = (): Promise<AsyncIterable<Uint8Array>> =>
    fetched ? Promise.resolve(localBytes(fetched.path, ctx)) : rawBytes(input, task.file, ctx);
  const raw = (): AsyncIterable<Uint8Array> => sliceBytes(bytes, task.offset, task.end);
  return {
    name: task.file.name,
    size: (task.end ?? size) - task.offset,
    ...('path' in opened && whole ? { path: opened.path } : {}),
    ...(task.offset > 0 ? { offset: task.offset } : {}),
    decoders: task.decoders,
    openRaw: raw,
    open: () => decodeFile(task.file, raw(), decoders, ctx),
  };
}

/** Decodes one file's bytes; what is wrong with them is said with the file's name. */
export async function* decodeFile(
  file: SourceFile,
  bytes: AsyncIterable<Uint8Array>,
  decoders: readonly Configured<DecoderPlugin>[],
  ctx: PluginContext,
): AsyncGenerator<Uint8Array> {
  try {
    yield* decoders.reduce((source, decoder) => decoder.plugin.decode(source, decoder.config as JsonObject, ctx), bytes);
  } catch (error) {
    if (!(error instanceof DataError) || error.where.file !== undefined) throw error;
    const { code, message, hint, cause } = error;
    throw new DataError({ code, message: `${file.name}: ${message}`, ...(hint === undefined ? {} : { hint }), where: { file: file.name }, cause });
  }
}

const FETCHED = 'fetched';

async function fetchFile(input: Configured<FileInputPlugin>, file: SourceFile, ctx: TaskContext): Promise<{ readonly path: string } | undefined> {
  if (!input.plugin.fetch) return undefined;
  const tempDir = join(ctx.tempDir, FETCHED);
  await makeTempFolder(tempDir);
  return input.plugin.fetch(file, input.config as JsonObject, { ...ctx, tempDir });
}

/** Gives the disk space of a task's fetched files back, given the task's temp folder. */
export async function removeFetched(tempDir: string): Promise<void> {
  await rm(join(tempDir, FETCHED), { recursive: true, force: true });
}

async function* sliceBytes(open: () => Promise<AsyncIterable<Uint8Array>>, start: number, end: number | undefined): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of await open()) {
    const from = Math.max(0, start - at);
    const to = end === undefined ? chunk.length : Math.min(chunk.length, end - at);
    at += chunk.length;
    if (to > from) yield from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
    if (end !== undefined && at >= end) return;
  }
}

/** End of the last complete record of a file that is followed, from byte `offset` on; undefined where that cannot be told. */
export async function lastRecordEnd(pipeline: SourcePipeline, file: SourceFile, offset: number, ctx: PluginContext): Promise<number | undefined> {
  const { parser } = pipeline;
  if (parser?.plugin.needsWholeFile === true) return undefined;
  const opened = await openParserFile(pipeline, { file, offset, end: file.size, decoders: [] }, ctx);
  if (parser?.plugin.completeBytes) {
    const complete = await parser.plugin.completeBytes(opened, parser.config);
    return complete === undefined ? undefined : offset + complete;
  }
  let at = offset;
  let end = offset;
  for await (const chunk of opened.openRaw()) {
    const newline = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).lastIndexOf(10);
    if (newline >= 0) end = at + newline + 1;
    at += chunk.length;
  }
  return end;
}

/** Throws when a planned file is not what it was at plan time: its task must not load a mixture. */
export async function assertUnchanged(input: Configured<FileInputPlugin>, task: TaskFile, ctx: PluginContext): Promise<void> {
  const now = await input.plugin.stat(task.file, input.config as JsonObject, ctx);
  const then = task.file;
  if (!now) {
    throw new DataError({
      code: 'FILE_VANISHED',
      message: `${then.name}: the file vanished during the load`,
      hint: 'run again: a new plan is made from the files that are there',
      where: { file: then.name },
    });
  }
  const growthAllowed = task.end !== undefined && now.size >= then.size;
  const same = then.version !== undefined ? now.version === then.version : now.size === then.size && now.modified === then.modified;
  if (!same && !growthAllowed) {
    throw new DataError({
      code: 'FILE_MOVED',
      message: `${then.name}: the file changed during the load (${then.size} bytes when planned, ${now.size} now)`,
      hint: 'write files under a temporary name and rename them when complete; or use on_changed: tail for growing files',
      where: { file: then.name },
    });
  }
}

/** Small files share a task: up to `limit` files and 1 GiB, all with the same folder values and decoders. */
export function groupFiles(files: readonly TaskFile[], limit: number): TaskFile[][] {
  const groups: TaskFile[][] = [];
  const open = new Map<string, { files: TaskFile[]; bytes: number }>();
  const most = 1 << 30;
  for (const file of files) {
    const key = JSON.stringify([file.file.partition ?? null, file.decoders, file.offset > 0 || file.end !== undefined ? file.file.name : null]);
    const group = open.get(key);
    if (group && group.files.length < limit && group.bytes + file.file.size <= most) {
      group.files.push(file);
      group.bytes += file.file.size;
    } else {
      const created = { files: [file], bytes: file.file.size };
      open.set(key, created);
      groups.push(created.files);
    }
  }
  return groups;
}

export function runTempDir(base: string, runId: string): string {
  return join(base, `run-${runId}`);
}
