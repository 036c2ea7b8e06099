import { quoteLiteral, type Clock, type SqlConnection } from '../../core/spi/index.js';
import type { Catalog } from '../catalog/catalog.js';
import { formatTableName, rejectsNameOf, splitTableName } from '../catalog/table-name.js';
import type { Storage } from '../storage/storage.js';
import { planWriteInto } from './plan-write.js';
import { stageFiles, type StagedFiles, type StageOptions } from './stage-files.js';
import type { WritePlan } from './write-plan.js';

/** Columns of every rejects table. */
export const REJECTS_SCHEMA = [
  { name: 'run_id', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'record_number', type: 'long' },
  { name: 'byte_offset', type: 'long' },
  { name: 'column_name', type: 'string' },
  { name: 'reason', type: 'string' },
  { name: 'raw', type: 'string' },
  { name: 'rejected_at', type: 'timestamp' },
] as const;

const DUCK_TYPES: Readonly<Record<string, string>> = { string: 'VARCHAR', long: 'BIGINT', timestamp: 'VARCHAR' };
/** The longest reject line; the reader holds two of them. */
const LONGEST_LINE = 64 * 1024 * 1024;

export function planRejects(catalog: Catalog, root: string, table: string): Promise<WritePlan> {
  const name = rejectsNameOf(splitTableName(table));
  return planWriteInto(catalog, root, name, { table: formatTableName(name), schema: REJECTS_SCHEMA, mode: 'append', tableComment: `Rejected records of ${table}` });
}

/**
 * Stages rejects from an NDJSON file with the columns of {@link REJECTS_SCHEMA} (missing ones are NULL, `run_id` and
 * `rejected_at` are filled in). `rejected_at` is ISO 8601 text.
 */
export function stageRejects(storage: Storage, plan: WritePlan, path: string, sql: SqlConnection, options: StageOptions & { readonly runId: string; readonly clock: Clock }): Promise<StagedFiles> {
  const columns = REJECTS_SCHEMA.map((c) => `${c.name}: '${DUCK_TYPES[c.type]}'`).join(', ');
  const now = quoteLiteral(new Date(options.clock.now()).toISOString());
  const select =
    `SELECT * REPLACE (coalesce(run_id, ${quoteLiteral(options.runId)}) AS run_id, CAST(coalesce(rejected_at, ${now}) AS TIMESTAMPTZ) AS rejected_at), 0 AS __reject_status ` +
    `FROM read_json(${quoteLiteral(path)}, format = 'newline_delimited', columns = {${columns}}, maximum_object_size = ${LONGEST_LINE})`;
  return stageFiles(storage, plan, { select, statusColumn: '__reject_status' }, sql, options);
}
