import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openDatabase } from '../core/duckdb/index.js';
import { createSpool } from '../core/engine/spool.js';
import type { ConfigPlace, ParserFile, PluginContext, StageContext } from '../core/spi/index.js';

/** Where a context differs from the usual one. */
export interface LabOptions {
  readonly signal?: AbortSignal;
  readonly resource?: PluginContext['resource'];
}

/** A place to run plugins in: a DuckDB, a project folder and an empty temp folder. */
export interface Lab {
  /** The project's root. */
  readonly root: string;
  readonly place: ConfigPlace;
  context(options?: LabOptions): StageContext & { readonly recorded: string[] };
  /** Writes a file below `root`. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** What lies in the temp folder. */
  leftOvers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-conformance-'));
  const root = join(folder, 'project');
  const tempDir = join(folder, 'temp');
  await mkdir(root);
  await mkdir(tempDir);
  const database = await openDatabase({ threads: 2, tempDirectory: join(folder, 'spill') });
  const sql = await database.connect();
  return {
    root,
    place: { at: (path) => ({ path }) },
    context(options = {}) {
      const recorded: string[] = [];
      return {
        signal: options.signal ?? new AbortController().signal,
        log: { log: () => undefined },
        clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
        root,
        tempDir,
        reach: () => undefined,
        resource: options.resource ?? ((name) => Promise.reject(new Error(`the conformance suite offers no resource ${name}`))),
        task: 0,
        sql,
        connect: () => database.connect(),
        progress: () => undefined,
        rejectsSoFar: () => undefined,
        spool: (extension) =>
          createSpool({ dir: tempDir, name: `spool-${randomUUID()}`, extension, segmentSizeBytes: 1 << 16, reach: () => undefined }),
        runId: randomUUID(),
        record: (paths) => Promise.resolve(void recorded.push(...paths)),
        recorded,
      };
    },
    async write(name, content) {
      const path = join(root, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return path;
    },
    leftOvers: () => readdir(tempDir, { recursive: true }),
    async close() {
      sql.close();
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs `work` in a lab of its own. */
export async function inLab<T>(work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await openLab();
  try {
    return await work(lab);
  } finally {
    await lab.close();
  }
}

/**
 * A file whose bytes come in pieces of `step` bytes, always in the same buffer, as sources may do. `path` is only given
 * for whole files on disk.
 */
export function fileOf(name: string, content: Uint8Array, options: { readonly path?: string; readonly step?: number } = {}): ParserFile {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.alloc(options.step ?? Math.max(1, content.length));
    for (let at = 0; at < content.length; at += buffer.length) {
      const piece = content.subarray(at, at + buffer.length);
      buffer.set(piece);
      yield buffer.subarray(0, piece.length);
    }
  };
  return {
    name,
    size: content.length,
    decoders: [],
    ...(options.path === undefined ? {} : { path: options.path }),
    open: chunks,
    openRaw: chunks,
  };
}

export function sha256(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

export function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content;
}
