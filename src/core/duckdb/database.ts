import { createConnection, type DuckConnection } from './connection.js';
import { engineError } from './engine-errors.js';

export interface DatabaseOptions {
  /** Bytes DuckDB may hold; default: DuckDB's own (80 % of RAM). */
  readonly memoryLimit?: number;
  readonly threads?: number;
  /** Where DuckDB spills; default: no spilling. */
  readonly tempDirectory?: string;
  /** Further settings, passed as they are. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** An in-memory DuckDB with UTC as its time zone and nothing downloaded or loaded from outside. */
export interface Database {
  connect(): Promise<DuckConnection>;
  /** Closes the instance; connections must be closed before. */
  close(): void;
}

export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const api = await import('@duckdb/node-api');
  const settings: Record<string, string> = {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // All files are of this machine, whose kernel keeps what is read again; a copy here only grows with the rows.
    enable_external_file_cache: 'false',
    ...(options.memoryLimit === undefined ? {} : { memory_limit: `${Math.max(1, Math.floor(options.memoryLimit / 1048576))}MiB` }),
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    temp_directory: options.tempDirectory ?? '',
    ...options.settings,
  };
  try {
    const instance = await api.DuckDBInstance.create(':memory:', settings);
    const first = await createConnection(api, instance);
    await first.run("SET GLOBAL TimeZone = 'UTC'");
    first.close();
    return {
      connect: () => createConnection(api, instance),
      close: () => instance.closeSync(),
    };
  } catch (error) {
    throw engineError(error, 'opening the embedded engine');
  }
}
