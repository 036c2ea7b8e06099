import { rename, rm, stat } from 'node:fs/promises';
import { createConverter } from '../../core/duckdb/values.js';
import { throughGate } from '../../core/duckdb/index.js';
import { quoteIdentifier, quoteLiteral, type SqlValue } from '../../core/spi/index.js';
import { explainFileError } from './damaged-files.js';
import { duckdbDialect } from './dialect.js';
import { openPlanner, type Planner } from './planner.js';
import type { QuerySource } from './query-catalog.js';
import type { QueryOptions, QueryResult, QueryStats, ResultColumn, ResultFormat } from './query-options.js';
import { restrictSource } from './restrict-source.js';
import { openSession, prepareUserSelect, checkSignal, type QuerySession, type SessionOptions } from './query-session.js';
import { userSqlError } from './sql-errors.js';

/**
 * Answers SELECTs over a warehouse. Every query runs in a fresh, locked engine that sees exactly the files left after
 * pruning; planning goes through one engine that sees only empty stubs. Errors: ConfigError SQL_INVALID (with line and column),
 * SQL_REFUSED, TABLE_MISSING, SNAPSHOT_NOT_FOUND, VIEW_CYCLE, QUERY_PARAMETER; DataError SQL_VALUE; CancelledError QUERY_CANCELLED.
 */
export interface QueryEngine {
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /** Plans and prunes without running. */
  explain(sql: string, options?: QueryOptions): Promise<QueryStats>;
  /** Runs the query into one new file at `path` (absolute; must not exist), which appears complete or not at all. */
  writeFile(sql: string, target: ResultFile, options?: QueryOptions): Promise<WrittenResult>;
  /** Plans, prunes and locks without running; for statements of ours around the user's text. Close it. */
  openSession(sql: string, options?: SessionOptions): Promise<QuerySession>;
  close(): Promise<void>;
}

export interface ResultFile {
  readonly path: string;
  readonly format: ResultFormat;
  /** A Parquet file that is read once and removed: it is not compressed. */
  readonly passing?: true;
}

export interface WrittenResult {
  /** As the SELECT names them; in the file equal ones are told apart. */
  readonly names: readonly string[];
  readonly columns: readonly ResultColumn[];
  readonly rows: number;
  readonly bytes: number;
  /** False: `anyOrder` was asked for, and the rows of the file are in none. */
  readonly ordered: boolean;
  readonly stats: QueryStats;
}

export function openQueryEngine(source: QuerySource, defaults: QueryOptions = {}): QueryEngine {
  let planner: Promise<Planner> | undefined;
  /** It outlives the statement that starts it, whose temp folder may be gone by the next one. */
  const startPlanner = (): Promise<Planner> => {
    const opening = openPlanner(defaults.tempDir);
    // One that could not start, on a full disk say, is tried again.
    opening.catch(() => (planner = undefined));
    return opening;
  };
  const session = async (sql: string, options: SessionOptions): Promise<QuerySession> => {
    checkSignal(options.signal);
    planner ??= startPlanner();
    return openSession({ source: restrictSource(source, options.access), planner, dialect: duckdbDialect }, sql, options);
  };
  return {
    openSession: (sql, given = {}) => session(sql, { ...defaults, ...given }),
    async query(sql, given = {}) {
      const options = { ...defaults, ...given };
      return runSession(await session(sql, options), options);
    },
    async explain(sql, given = {}) {
      const opened = await session(sql, { ...defaults, ...given });
      try {
        await prepareUserSelect(opened);
        return { ...opened.stats, rows: 0 };
      } finally {
        await opened.close();
      }
    },
    async writeFile(sql, target, given = {}) {
      const options = { ...defaults, ...given };
      const partial = `${target.path}.partial-${process.pid}`;
      const opened = await session(sql, { ...options, outputFiles: [partial] });
      try {
        const written = await copyResult(opened, { ...target, path: partial }, options);
        await rename(partial, target.path);
        return written;
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      } finally {
        await opened.close();
      }
    },
    async close() {
      const opened = await planner?.catch(() => undefined);
      planner = undefined;
      await opened?.close();
    },
  };
}

async function runSession(session: QuerySession, options: QueryOptions): Promise<QueryResult> {
  let rows = 0;
  let closed = false;
  const stop = (): void => session.sandbox.connection.interrupt();
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    options.signal?.removeEventListener('abort', stop);
    await session.close();
  };
  options.signal?.addEventListener('abort', stop);
  try {
    const statement = await prepareUserSelect(session);
    checkSignal(options.signal);
    const result = await throughGate(() => statement.stream());
    const convert = createConverter(await import('@duckdb/node-api'));
    const columns = result.columnNames().map((name, i) => ({ name, type: result.columnType(i).toString() }));
    return {
      columns,
      async *chunks() {
        try {
          for (;;) {
            checkSignal(options.signal);
            const chunk = await throughGate(() => result.fetchChunk());
            if (!chunk || chunk.rowCount === 0) return;
            rows += chunk.rowCount;
            yield chunk.convertColumns<SqlValue>((value) => convert(value)) as SqlValue[][];
          }
        } catch (error) {
          checkSignal(options.signal);
          throw userSqlError(session.sql, await explainFileError(error, session.local));
        }
      },
      stats: () => ({ ...session.stats, rows }),
      close,
    };
  } catch (error) {
    await close();
    checkSignal(options.signal);
    throw userSqlError(session.sql, await explainFileError(error, session.local));
  }
}

const COPY_OPTIONS: Readonly<Record<ResultFormat, string>> = {
  parquet: 'FORMAT parquet, COMPRESSION zstd',
  csv: 'FORMAT csv, HEADER true',
  json: 'FORMAT json',
};

/** Small row groups: as they are filled, they are in memory. */
const PASSING = 'FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 30720';

/**
 * COPY inside the locked engine, to the one output file it may write. The text has been parsed and prepared alone as a single SELECT
 * before, so it cannot close our parenthesis; the COPY around it is ours. Streaming chunks into a second engine would cost a
 * conversion of every value and lose DuckDB's parallel writers.
 */
async function copyResult(session: QuerySession, { path: file, format, passing }: ResultFile, options: QueryOptions): Promise<WrittenResult> {
  const { connection } = session.sandbox;
  const stop = (): void => connection.interrupt();
  options.signal?.addEventListener('abort', stop);
  try {
    const select = await prepareUserSelect(session);
    const names = Array.from({ length: select.columnCount }, (_, i) => select.columnName(i));
    select.destroySync();
    // Names and types that depend on parameters are known only once the values are bound and the plan is made.
    const columns = await throughGate(async () => {
      const probe = await connection.native.prepare(`SELECT * FROM (${session.sql.text}\n) AS r LIMIT 0`);
      session.bind(probe);
      const result = await probe.run();
      return result.columnNames().map((name, i) => ({ name, type: result.columnType(i).toString() }));
    });
    const copy = `COPY (${exactSelect(session.sql.text, columns)}) TO ${quoteLiteral(file)} (${passing === true ? PASSING : COPY_OPTIONS[format]}, USE_TMP_FILE false)`;
    const rows = await throughGate(async () => {
      const statement = await connection.native.prepare(copy);
      session.bind(statement);
      return Number((await statement.runAndReadAll()).getRows()[0]?.[0] ?? 0);
    });
    return { names, columns, rows, bytes: (await stat(file)).size, ordered: session.ordered, stats: { ...session.stats, rows } };
  } catch (error) {
    checkSignal(options.signal);
    throw userSqlError(session.sql, await explainFileError(error, session.local));
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Parquet has no 128-bit integers (DuckDB would write DOUBLE): they become decimal(38,0), which fails loudly when it does not fit. */
function exactSelect(text: string, columns: readonly ResultColumn[]): string {
  if (!columns.some((c) => /^U?HUGEINT$/.test(c.type))) return `${text}\n`;
  const names = columns.map((_, i) => `c${i}`);
  const list = columns.map((c, i) =>
    /^U?HUGEINT$/.test(c.type) ? `CAST(c${i} AS DECIMAL(38,0)) AS ${quoteIdentifier(c.name)}` : `c${i} AS ${quoteIdentifier(c.name)}`,
  );
  return `SELECT ${list.join(', ')} FROM (${text}\n) AS r(${names.join(', ')})`;
}
