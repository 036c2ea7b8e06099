import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DataError, type FileInputPlugin, type JsonObject, type PluginContext, type SourceFile } from '../spi/index.js';
import type { FileState, LoadedFile } from './file-state.js';
import type { Configured } from './pipeline.js';

export interface FilePlan {
  /** Files to read, in name order; `offset` > 0 continues a grown file. */
  readonly read: readonly PlannedFile[];
  /** Names of those that are read although other content of theirs was loaded. */
  readonly reloaded: readonly string[];
  /** Files whose content is loaded but whose size or time stamp differs from the state. */
  readonly refreshed: readonly SourceFile[];
  readonly skipped: number;
  readonly notes: readonly string[];
}

export interface PlannedFile {
  readonly file: SourceFile;
  readonly offset: number;
}

export type OnChanged = 'error' | 'skip' | 'reload' | 'tail';

/** Decides by file identity (docs/guarantees.md) which of the listed files this run reads. */
export async function planFiles(
  input: Configured<FileInputPlugin>,
  listed: readonly SourceFile[],
  state: FileState,
  options: { readonly incremental: boolean; readonly onChanged: OnChanged },
  ctx: PluginContext,
): Promise<FilePlan> {
  if (!options.incremental) {
    return { read: listed.map((file) => ({ file, offset: file.startsAt ?? 0 })), reloaded: [], refreshed: [], skipped: 0, notes: [] };
  }
  const read: PlannedFile[] = [];
  const reloaded: string[] = [];
  const refreshed: SourceFile[] = [];
  const notes: string[] = [];
  let skipped = 0;
  let byLastPath = 0;
  for (const file of listed) {
    const loaded = file.keptAt === undefined ? state.files.get(file.name) : undefined;
    if (!loaded) {
      if (state.lastPath !== undefined && file.keptAt === undefined && (file.path ?? file.name) <= state.lastPath) byLastPath++;
      else read.push({ file, offset: file.startsAt ?? 0 });
      continue;
    }
    if (isSame(file, loaded)) {
      skipped++;
      continue;
    }
    if (
      loaded.version === undefined &&
      loaded.hash !== undefined &&
      file.size === loaded.size &&
      (await hashOf(input, file, file.size, ctx)) === loaded.hash
    ) {
      refreshed.push(file);
      skipped++;
      continue;
    }
    const planned = await planChanged(input, file, loaded, options.onChanged, ctx);
    if (!planned) {
      skipped++;
      continue;
    }
    read.push(planned);
    if (options.onChanged === 'reload') reloaded.push(file.name);
  }
  if (skipped > 0) notes.push(`${skipped} of ${listed.length} files were loaded before and are skipped`);
  if (byLastPath > 0) notes.push(`${byLastPath} files count as loaded: their names are not after last_path ${state.lastPath}`);
  return { read, reloaded, refreshed, skipped: skipped + byLastPath, notes };
}

function isSame(file: SourceFile, loaded: LoadedFile): boolean {
  if (file.version !== undefined) return file.version === loaded.version;
  return file.size === loaded.size && file.modified === loaded.modified;
}

async function planChanged(
  input: Configured<FileInputPlugin>,
  file: SourceFile,
  loaded: LoadedFile,
  onChanged: OnChanged,
  ctx: PluginContext,
): Promise<PlannedFile | undefined> {
  switch (onChanged) {
    case 'skip':
      return undefined;
    case 'reload':
      return { file, offset: file.startsAt ?? 0 };
    case 'tail':
      if (file.size > loaded.size && loaded.hash !== undefined && (await hashOf(input, file, loaded.size, ctx)) === loaded.hash)
        return { file, offset: loaded.size };
      throw new DataError({
        code: 'TAIL_CHANGED',
        message: `${file.name}: on_changed: tail expects the first ${loaded.size} bytes as they were loaded, but they changed`,
        hint: 'load it under a new name, or use on_changed: skip',
        where: { file: file.name },
      });
    case 'error':
      throw new DataError({
        code: 'FILE_CHANGED',
        message: `${file.name}: was loaded before with other content (${loaded.size} bytes then, ${file.size} now)`,
        hint: 'give new data a new file name, or set in.on_changed to skip, reload or tail; `sluice run --full-refresh` loads everything anew',
        where: { file: file.name },
      });
  }
}

/** `sha256:<hex>` of the first `bytes` raw bytes. */
export async function hashOf(input: Configured<FileInputPlugin>, file: SourceFile, bytes: number, ctx: PluginContext): Promise<string> {
  const hash = createHash('sha256');
  let left = bytes;
  for await (const chunk of await rawBytes(input, file, ctx)) {
    hash.update(chunk.length > left ? chunk.subarray(0, left) : chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  return `sha256:${hash.digest('hex')}`;
}

export async function rawBytes(input: Configured<FileInputPlugin>, file: SourceFile, ctx: PluginContext): Promise<AsyncIterable<Uint8Array>> {
  const opened = await input.plugin.open(file, input.config as JsonObject, ctx);
  return 'path' in opened ? localBytes(opened.path, ctx) : opened.stream;
}

export function localBytes(path: string, ctx: Pick<PluginContext, 'signal'>): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20, signal: ctx.signal }) as AsyncIterable<Uint8Array>;
}
