import { openQueryEngine, type ResultFile, type WrittenResult } from './query-engine.js';
import type { QueryOptions, QueryResult, QueryStats } from './query-options.js';
import { runSql } from './run-sql.js';
import type { SqlOutcome, SqlWarehouse } from './sql-parts.js';
import { placeInText, splitStatements } from './sql-tokens.js';
import { parseStatement } from './write-statements.js';

/** SQL over the tables. Every SELECT runs in a locked engine over exactly the files that pruning left. */
export interface SqlDoor {
  /** Runs one statement: a SELECT, or a write that is one commit. */
  execute(sql: string, options?: QueryOptions): Promise<SqlOutcome>;
  /** Runs one SELECT; close the result. */
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /** What a SELECT would read, without running it. */
  explain(sql: string, options?: QueryOptions): Promise<QueryStats>;
  /** Runs one SELECT into a new file, which appears complete or not at all. */
  writeFile(sql: string, target: ResultFile, options?: QueryOptions): Promise<WrittenResult>;
  /** The statements of a text, split at `;`; each starts at the line and column it has there, so that errors point into the text. */
  splitStatements(sql: string): readonly string[];
  /** Whether a statement gives rows. Errors: ConfigError SQL_REFUSED for what is neither a query nor a supported write. */
  isQuery(sql: string): boolean;
  /** Frees the planning engine. */
  closeSql(): Promise<void>;
}

/** Limits of every statement that does not bring its own. */
export type SqlDefaults = Pick<QueryOptions, 'maxMemory' | 'threads' | 'tempDir'>;

export function openSqlDoor(warehouse: SqlWarehouse, defaults: SqlDefaults = {}): SqlDoor {
  const engine = openQueryEngine({ catalog: warehouse.metastore.catalog, reader: warehouse.reader, storage: warehouse.storage }, defaults);
  // One time for all parts of a statement, however long it takes.
  const timed = (options: QueryOptions = {}): QueryOptions => ({ ...defaults, scheduledTime: warehouse.clock.now(), ...options });
  return {
    execute: (sql, options) => runSql({ warehouse, engine }, sql, timed(options)),
    query: (sql, options) => engine.query(sql, timed(options)),
    explain: (sql, options) => engine.explain(sql, timed(options)),
    writeFile: (sql, target, options) => engine.writeFile(sql, target, timed(options)),
    splitStatements: (sql) =>
      splitStatements(sql).map(({ text, offset }) => {
        const { line, column } = placeInText(sql, offset);
        return `${'\n'.repeat(line - 1)}${' '.repeat(column - 1)}${text}`;
      }),
    isQuery: (sql) => parseStatement(sql).kind === 'select',
    closeSql: () => engine.close(),
  };
}
