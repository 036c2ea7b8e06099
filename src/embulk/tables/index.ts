import type { PluginTable, TableKind } from '../option-table.js';
import { execTable } from './exec.js';
import { fileInputTables } from './file-inputs.js';
import { fileOutputTables } from './file-outputs.js';
import { filterTables } from './filters.js';
import { formatTables } from './formats.js';
import { httpInput } from './http-input.js';
import { parserTables } from './parsers.js';
import { sqlInputTables } from './sql-inputs.js';
import { sqlOutputTables } from './sql-outputs.js';

/** All plugins of Embulk that are understood, with all their options. */
export const EMBULK_TABLES: readonly PluginTable[] = [
  execTable,
  ...fileInputTables,
  ...sqlInputTables,
  httpInput,
  ...parserTables,
  ...filterTables,
  ...fileOutputTables,
  ...sqlOutputTables,
  ...formatTables,
];

export function findTable(kind: TableKind, type: string): PluginTable | undefined {
  return EMBULK_TABLES.find((table) => table.kind === kind && table.type === type);
}

const NO_COUNTERPART: { readonly [type: string]: string } = {
  td: 'write to a table of the warehouse: out: {type: warehouse, table: database.table}',
  bigquery: 'write Parquet files with output s3 or file, and load those',
  redshift: 'write files with output s3, and COPY them',
  jdbc: 'use mysql or postgresql',
  sqlserver: 'use mysql or postgresql, or export to files',
  oracle: 'use mysql or postgresql, or export to files',
  gcs: 'use s3 with the endpoint https://storage.googleapis.com and HMAC keys',
  jsonl: 'the parser json reads one object a line',
};

/** What to do about a plugin of Embulk that is not understood. */
export function hintFor(type: string): string | undefined {
  return Object.hasOwn(NO_COUNTERPART, type) ? NO_COUNTERPART[type] : undefined;
}
