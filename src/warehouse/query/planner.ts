import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database, type DuckConnection } from '../../core/duckdb/index.js';
import { quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';
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
  /** The stub of a schema; `key` must name the table and what version of it is meant. */
  stub(key: string, schema: IcebergSchema): Promise<Stub>;
  close(): Promise<void>;
}

export interface PlanSession {
  readonly connection: DuckConnection;
  close(): Promise<void>;
}

export async function openPlanner(tempDir: string | undefined): Promise<Planner> {
  const parent = tempDir ?? tmpdir();
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'sluice-plan-'));
  let database: Database;
  let admin: DuckConnection;
  try {
    database = await openDatabase({ threads: 1, memoryLimit: 512 * 1024 * 1024, settings: { errors_as_json: 'true' } });
    admin = await database.connect();
    await admin.run(`SET allowed_directories = [${quoteLiteral(folder)}]; SET enable_external_access = false; SET lock_configuration = true`);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const stubs = new Map<string, Promise<Stub>>();
  let sessions = 0;

  async function writeStub(number: number, schema: IcebergSchema): Promise<Stub> {
    const files = [0, 1].map((i) => join(folder, `stub${number}.${i}.parquet`));
    for (const file of files) await admin.run(`COPY (${stubFileSql(number, schema)}) TO ${quoteLiteral(file)} (FORMAT parquet, USE_TMP_FILE false)`);
    return { number, files };
  }

  return {
    async open() {
      const catalog = quoteIdentifier(`plan${++sessions}`);
      const connection = await database.connect();
      try {
        await connection.run(`ATTACH ':memory:' AS ${catalog}; USE ${catalog}`);
      } catch (error) {
        connection.close();
        throw error;
      }
      return {
        connection,
        async close() {
          connection.close();
          await admin.run(`DETACH ${catalog}`);
        },
      };
    },
    stub(key, schema) {
      const full = `${key} ${JSON.stringify(schema.fields)}`;
      let stub = stubs.get(full);
      if (!stub) {
        stub = writeStub(stubs.size + 1, schema);
        stubs.set(full, stub);
      }
      return stub;
    },
    async close() {
      admin.close();
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
