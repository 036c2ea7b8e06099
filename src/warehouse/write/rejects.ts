import { createReadStream } from 'node:fs';
import { quoteLiteral, quotePath, type RejectFile, type RejectRelation } from '../../core/spi/index.js';
import type { Catalog } from '../catalog/catalog.js';
import { REJECTS_NAMESPACE, formatTableName, rejectsNameOf, splitTableName, type TableName } from '../catalog/table-name.js';
import { planWriteInto } from './plan-write-into.js';
import type { RelationToStage } from './stage-files.js';
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
/** Lines this short are the rule; the reader holds several of the longest. */
const USUAL_LINE = 1024 * 1024;

export function planRejects(catalog: Catalog, root: string, table: TableName): Promise<WritePlan> {
  const name = rejectsNameOf(table);
  return planWriteInto(catalog, root, name, {
    table: formatTableName(name),
    schema: REJECTS_SCHEMA,
    mode: 'append',
    tableComment: `Rejected records of ${formatTableName(table)}`,
  });
}

/** The table `sluice_rejects.<pipeline>`: the pipeline's name with everything but a-z, 0-9 and _ replaced. */
export function rejectsTableOf(pipeline: string): string {
  const name = pipeline
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 128);
  return `${REJECTS_NAMESPACE}.${name === '' ? 'pipeline' : name}`;
}

export function planRejectsOf(catalog: Catalog, root: string, pipeline: string): Promise<WritePlan> {
  const table = rejectsTableOf(pipeline);
  return planWriteInto(catalog, root, splitTableName(table), {
    table,
    schema: REJECTS_SCHEMA,
    mode: 'append',
    tableComment: `Rejected records of the pipeline ${pipeline}`,
  });
}

const STATUS = '__reject_status';

/**
 * Rejects with the columns of {@link REJECTS_SCHEMA} as a relation to stage. Of an NDJSON file missing ones are NULL; `run_id` and `rejected_at`
 * (ISO 8601) are filled in.
 */
export async function rejectsRelation(rejects: RejectFile | RejectRelation, runId: string, now: number): Promise<RelationToStage> {
  const from = 'select' in rejects ? `(${rejects.select})` : await readFileSql(rejects);
  const at = quoteLiteral(new Date(now).toISOString());
  const select = `SELECT * REPLACE (coalesce(run_id, ${quoteLiteral(runId)}) AS run_id, CAST(coalesce(rejected_at, ${at}) AS TIMESTAMPTZ) AS rejected_at), 0 AS ${STATUS} FROM ${from}`;
  return { select, statusColumn: STATUS };
}

async function readFileSql({ path, longestLine }: RejectFile): Promise<string> {
  const columns = REJECTS_SCHEMA.map((c) => `${c.name}: '${DUCK_TYPES[c.type]}'`).join(', ');
  const largest = Math.max(USUAL_LINE, longestLine ?? (await measureLines(path)));
  return `read_json(${quotePath(path)}, format = 'newline_delimited', hive_partitioning = false, columns = {${columns}}, maximum_object_size = ${largest})`;
}

/** Bytes of the longest line with its end. */
async function measureLines(path: string): Promise<number> {
  let longest = 0;
  let current = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: USUAL_LINE }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      longest = Math.max(longest, current + end + 1 - start);
      current = 0;
      start = end + 1;
    }
    current += chunk.length - start;
  }
  return Math.max(longest, current);
}
