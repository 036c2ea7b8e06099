import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type Libsql from 'libsql';

import { fileSystemError, makeFolders } from '../core/spi/index.js';
import { refuseNested, runInside } from './connection.js';
import type { Connection, Dialect, OpenTransaction, SqlRow, SqlValue } from './connection.js';
import { isBusy, sqliteError, sqliteOpenError } from './errors-sqlite.js';

/** A blocking wait in SQLite stops the event loop, so it is short; the long wait is ours. Milliseconds. */
const BUSY_TIMEOUT = 5;
const TOTAL_WAIT = 60_000;
const CACHED_STATEMENTS = 200;

export const SQLITE_DIALECT: Dialect = {
  kind: 'sqlite',
  now: `CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)`,
  countingKey: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  lockRow: '',
  pinRow: '',
  lockName: () => Promise.resolve(),
  hasTable: async (reader, table) => (await reader.get(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1`, [table])) !== undefined,
  hasColumn: async (reader, table, column) =>
    (await reader.get('SELECT name FROM pragma_table_info($1) WHERE name = $2', [table, column])) !== undefined,
};

/**
 * Opens a SQLite file, making it and its folder where they are missing. Two handles: one writes, one reads committed
 * data, so that a read never sees the half-done transaction of its own process. Rollback journal: the WAL of this
 * SQLite version can corrupt (fixed in 3.51.3).
 */
export async function openSqlite(file: string, clock?: () => number): Promise<Connection> {
  await createFile(file);
  const { default: Database } = await import('libsql');
  const writer = await openHandle(Database, file);
  const reader = await openHandle(Database, file);
  // A spilled cache would lock readers out in mid-transaction, our own included.
  writer.database.exec('PRAGMA cache_spill = OFF');
  const connection = { dialect: clock === undefined ? SQLITE_DIALECT : withClock(clock) };
  let turn: Promise<unknown> = Promise.resolve();

  async function runTransaction<T>(work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    await untilFree(() => writer.database.exec('BEGIN IMMEDIATE'), file);
    const tx: OpenTransaction = {
      store: 'sqlite',
      run: (sql, params) => later(() => writer.statement(sql).run([...(params ?? [])]).changes, file),
      get: (sql, params) => later(() => readAll(writer, sql, params)[0], file),
      all: (sql, params) => later(() => readAll(writer, sql, params), file),
    };
    try {
      const result = await runInside(connection, tx, work);
      // Readers in other processes may hold the commit up; SQLite keeps the transaction open for another try.
      await untilFree(() => writer.database.exec('COMMIT'), file);
      return result;
    } catch (error) {
      if (writer.database.inTransaction) writer.database.exec('ROLLBACK');
      throw sqliteError(error, file);
    }
  }

  return {
    ...connection,
    reader: {
      get: async (sql, params) => (await untilFree(() => readAll(reader, sql, params), file))[0],
      all: (sql, params) => untilFree(() => readAll(reader, sql, params), file),
    },
    transaction: async (work) => {
      refuseNested(connection);
      const mine = turn.then(() => runTransaction(work));
      turn = mine.catch(() => undefined);
      return mine;
    },
    close: async () => {
      await turn;
      writer.close();
      reader.close();
    },
  };
}

function withClock(clock: () => number): Dialect {
  return {
    ...SQLITE_DIALECT,
    get now() {
      return String(clock());
    },
  };
}

interface Handle {
  readonly database: Libsql.Database;
  statement(sql: string): Libsql.Statement<unknown[]>;
  close(): void;
}

async function openHandle(Database: typeof Libsql, file: string): Promise<Handle> {
  let database: Libsql.Database;
  try {
    database = new Database(file);
  } catch (error) {
    throw sqliteOpenError(error, file);
  }
  try {
    // First of all: any other pragma fails at once while somebody holds the lock.
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    await untilFree(() => database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0'), file);
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = new Map<string, Libsql.Statement<unknown[]>>();
  return {
    database,
    statement: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      if (statements.size >= CACHED_STATEMENTS) statements.clear();
      // `?1` is bound by number; SQLite numbers `$1` by the order of appearance.
      const fresh = database.prepare(sql.replaceAll(/\$(\d+)/g, '?$1'));
      statements.set(sql, fresh);
      return fresh;
    },
    close: () => {
      statements.clear();
      if (database.open) database.close();
    },
  };
}

function readAll(handle: Handle, sql: string, params: readonly SqlValue[] = []): SqlRow[] {
  return handle.statement(sql).all([...params]) as SqlRow[];
}

/** The binding is synchronous; callers get a promise as from PostgreSQL. */
async function later<T>(call: () => T, file: string): Promise<T> {
  try {
    return call();
  } catch (error) {
    throw sqliteError(error, file);
  }
}

/** Repeats `call` while another process has the lock, leaving the event loop free in between. */
async function untilFree<T>(call: () => T, file: string): Promise<T> {
  const deadline = performance.now() + TOTAL_WAIT;
  for (let longest = 4; ; longest = Math.min(longest * 1.5, 60)) {
    try {
      return call();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw sqliteError(error, file);
    }
    await sleep(1 + Math.random() * longest);
  }
}

/**
 * Only a file that does not exist is opened here: closing any descriptor of an open database would drop the locks that
 * another connection of this process holds (POSIX).
 */
async function createFile(file: string): Promise<void> {
  const doing = `creating the metastore ${file}`;
  try {
    await makeFolders(dirname(file));
  } catch (error) {
    throw fileSystemError(error, doing);
  }
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileSystemError(error, doing);
  }
}
