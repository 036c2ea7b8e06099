import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database, type DuckConnection } from '../../core/duckdb/index.js';
import { makeFolders, quoteLiteral, quotePath } from '../../core/spi/index.js';

export interface SandboxOptions {
  /** Bytes DuckDB may hold. */
  readonly maxMemory?: number;
  readonly threads?: number;
  /** Parent of the session's private folder; default: the system's. */
  readonly tempDir?: string;
}

/**
 * A fresh engine for one statement of a user: no network, no extension, no file but those named in `lock`. Allowed paths
 * are writable for SQL, so whoever runs statements here must let only SELECT pass.
 */
export interface Sandbox {
  readonly connection: DuckConnection;
  /** Private folder of this session; the engine spills to `spill` within it. */
  readonly folder: string;
  /** Closes all doors: from now on only `files` can be opened, and no setting can be changed. */
  lock(files: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const parent = options.tempDir ?? tmpdir();
  await makeFolders(parent);
  const folder = await mkdtemp(join(parent, 'sluice-query-'));
  const spill = join(folder, 'spill');
  let database: Database | undefined;
  let connection: DuckConnection | undefined;
  const close = async (): Promise<void> => {
    connection?.close();
    database?.close();
    connection = database = undefined;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await mkdir(spill);
    database = await openDatabase({
      tempDirectory: spill,
      settings: { errors_as_json: 'true', allow_community_extensions: 'false' },
      ...(options.maxMemory === undefined ? {} : { memoryLimit: options.maxMemory }),
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    });
    const opened = await database.connect();
    connection = opened;
    return {
      connection: opened,
      folder,
      // A scan opens its pattern as well as the file that fits it.
      lock: (files) =>
        opened.run(
          `SET allowed_paths = [${[...new Set(files.flatMap((file) => [quoteLiteral(file), quotePath(file)]))].join(', ')}]; SET enable_external_access = false; SET lock_configuration = true`,
        ),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
