import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileSystemError, type ParserFile, type PluginContext } from '../../core/spi/index.js';

/** A path DuckDB can seek in. */
export interface LocalFile {
  readonly file: ParserFile;
  readonly path: string;
  remove(): Promise<void>;
}

/** Parquet's index stands at its end: a stream or an encoded file is first copied to the run's temporary folder. */
export async function makeLocal(file: ParserFile, ctx: PluginContext, purpose: string): Promise<LocalFile> {
  if (file.path !== undefined && file.decoders.length === 0) return { file, path: file.path, remove: () => Promise.resolve() };
  const path = join(ctx.tempDir, `${purpose}-${createHash('sha256').update(file.name).digest('hex').slice(0, 24)}.parquet`);
  try {
    await pipeline(Readable.from(file.open()), createWriteStream(path), { signal: ctx.signal });
  } catch (error) {
    throw fileSystemError(error, `copying ${file.name} to a temporary file`);
  }
  return { file, path, remove: () => rm(path, { force: true }) };
}
