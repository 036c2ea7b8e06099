import { ConfigError } from '../../core/spi/index.js';
import type { Catalog } from '../catalog/catalog.js';
import { parseTableName } from '../catalog/table-name.js';
import { planWriteInto } from './plan-write-into.js';
import { planRejects } from './rejects.js';
import type { WritePlan, WriteRequest } from './write-plan.js';

/** Works out what a write does to its table, without touching anything. Errors: ConfigError of many codes, before any row moves. */
export async function planWrite(catalog: Catalog, root: string, request: WriteRequest): Promise<WritePlan> {
  try {
    const name = parseTableName(request.table);
    return { ...(await planWriteInto(catalog, root, name, request)), rejects: await planRejects(catalog, root, name) };
  } catch (error) {
    throw placed(error, request);
  }
}

const PATHS: Readonly<Record<string, string>> = {
  TABLE_NAME: 'table',
  TABLE_NAME_RESERVED: 'table',
  TIME_COLUMN: 'time_column',
  PARTITION_BY: 'partition_by',
  PARTITION_CLASH: 'partition_by',
  SCHEMA_CLASH: 'table',
  PARTITION_UNKNOWN: 'table',
  MERGE_KEYS: 'merge_keys',
  REPLACE_WHERE: 'replace_where',
  TABLE_NOT_REWRITABLE: 'mode',
};

/** Says where in the config the request stands. */
function placed(error: unknown, request: WriteRequest): unknown {
  const path = error instanceof ConfigError ? PATHS[error.code] : undefined;
  if (!(error instanceof ConfigError) || path === undefined || request.place === undefined || error.where.line !== undefined) return error;
  const { code, message, hint } = error;
  return new ConfigError({ code, message, where: request.place.at(path), cause: error, ...(hint === undefined ? {} : { hint }) });
}
