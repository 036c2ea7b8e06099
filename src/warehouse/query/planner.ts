import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database, type DuckConnection } from '../../core/duckdb/index.js';
import { makeFolders, quoteIdentifier, quoteLiteral, quotePath } from '../../core/spi/index.js';
import type { IcebergSchema } from '../table/model.js';
import { stubFileSql } from './scan-sql.js';

/** Two empty Parquet files that stand for a table while its query is planned. */
export interface Stub {
  readonly number: number;
  readonly files: readonly string[];
}

/**
 * A locked instance that only plans: it sees empty stub files and nothing else, and lives as long as the query engine, so
 * that stubs and start-up are paid once.
 */
export interface Planner {
  /** A connection to an empty catalog of its own, for one statement. */
  open(): Promise<PlanSession>;
  /** The stub of a schema, good until the caller's session closes; `key` must tell apart what one statement reads. */
  stub(key: string, schema: IcebergSchema): Promise<Stub>;
  close(): Promise<void>;
}

export interface PlanSession {
  readonly connection: DuckConnection;
  close(): Promise<void>;
}

/** Stubs that are kept for further statements; those of open sessions come on top. */
const STUBS = 500;

interface KeptStub {
  readonly made: Promise<Stub>;
  /** No later session has used it. */
  readonly lastSession: number;
}

export async function openPlanner(tempDir: string | undefined, most = STUBS): Promise<Planner> {
  const parent = tempDir ?? tmpdir();
  await makeFolders(parent);
  const folder = await mkdtemp(join(parent, 'sluice-plan-'));
  let database: Database;
  let admin: DuckConnection;
  try {
    database = await openDatabase({ threads: 1, memoryLimit: 512 * 1024 * 1024, settings: { errors_as_json: 'true' } });
    admin = await database.connect();
    await admin.run(
      `SET allowed_directories = [${quoteLiteral(folder)}, ${quotePath(folder)}]; SET enable_external_access = false; SET lock_configuration = true`,
    );
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  /** The one used longest ago comes first. */
  const stubs = new Map<string, KeptStub>();
  const open = new Set<number>();
  let sessions = 0;
  let numbers = 0;

  /** A process that serves for months meets any number of tables and schemas. */
  async function dropStubs(): Promise<void> {
    const [oldest = sessions + 1] = open;
    for (const [key, { made, lastSession }] of stubs) {
      if (stubs.size <= most || lastSession >= oldest) return;
      stubs.delete(key);
      const { files } = await made;
      await Promise.all(files.map((file) => rm(file, { force: true })));
    }
  }

  async function writeStub(number: number, schema: IcebergSchema): Promise<Stub> {
    const files = [0, 1].map((i) => join(folder, `stub${number}.${i}.parquet`));
    for (const file of files) await admin.run(`COPY (${stubFileSql(number, schema)}) TO ${quoteLiteral(file)} (FORMAT parquet, USE_TMP_FILE false)`);
    return { number, files };
  }

  return {
    async open() {
      const session = ++sessions;
      const catalog = quoteIdentifier(`plan${session}`);
      const connection = await database.connect();
      try {
        await connection.run(`ATTACH ':memory:' AS ${catalog}; USE ${catalog}`);
      } catch (error) {
        connection.close();
        throw error;
      }
      open.add(session);
      return {
        connection,
        async close() {
          connection.close();
          open.delete(session);
          await admin.run(`DETACH ${catalog}`);
          await dropStubs();
        },
      };
    },
    stub(key, schema) {
      const full = `${key} ${JSON.stringify(schema.fields)}`;
      const { made } = stubs.get(full) ?? { made: writeStub(++numbers, schema) };
      stubs.delete(full);
      stubs.set(full, { made, lastSession: sessions });
      // One that could not be written, on a full disk say, is tried again.
      made.catch(() => stubs.delete(full));
      return made;
    },
    async close() {
      admin.close();
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
