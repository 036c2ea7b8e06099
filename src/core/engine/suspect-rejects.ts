import { PLACE_COLUMNS, quoteIdentifier, quoteLiteral, type Reading, type RejectRelation, type TaskContext } from '../spi/index.js';
import type { RejectRow } from './rejects.js';
import { buildSelect, convertedColumns, STATUS, type SelectSource } from './select.js';

export interface SuspectWork {
  readonly constants: NonNullable<SelectSource['constants']>;
  readonly runId: string;
  readonly startedAt: number;
  readonly keepRaw: boolean;
}

export interface RelatedRejects extends RejectRelation {
  /** The first records, in order. */
  readonly first: readonly RejectRow[];
}

const FIRST = 1000;

/**
 * The rejects of a task as a relation, from the few rows that its reading suspects: they are converted once more and stay beside their
 * places, so that neither the source is scanned again nor a value passes through here. `statuses`: rows of each reject code in the scan.
 * Undefined where something else than a conversion rejected rows, where the reading has no suspects, and when other numbers of rows are
 * found than the scan told.
 */
export async function relateRejects(
  reading: Reading,
  work: SuspectWork,
  statuses: ReadonlyMap<number, number>,
  ctx: TaskContext,
): Promise<RelatedRejects | undefined> {
  if (!reading.suspects) return undefined;
  const { columns } = reading.relation;
  const converted = convertedColumns({ ...reading.relation, constants: work.constants });
  const codes = [...statuses.keys()].sort((a, b) => a - b);
  const failing = codes.flatMap((code) => converted[code - 1] ?? []);
  // Constants follow the relation's own columns.
  if (failing.length < codes.length || !failing.every((column) => columns.includes(column))) return undefined;
  const suspects = await reading.suspects(failing);
  if (!suspects) return undefined;
  const { source, record, offset, raw } = PLACE_COLUMNS;
  const typed = buildSelect({ from: suspects.from, columns: failing }, [], { carry: [source, record, offset, raw] });
  const counts = await ctx.sql.rows(`SELECT ${STATUS} AS status, count(*) AS n FROM (${typed.select}) WHERE ${STATUS} > 0 GROUP BY 1`);
  const found = new Map(counts.map((row) => [codes[Number(row['status']) - 1], Number(row['n'])]));
  if (found.size !== statuses.size || ![...statuses].every(([code, rows]) => found.get(code) === rows)) {
    ctx.log.log('debug', 'the rows that were suspected are not those that were rejected; all rows are looked at again', { task: ctx.task });
    return undefined;
  }
  const byStatus = (of: 'column' | 'reason'): string =>
    `CASE ${STATUS} ${typed.reasons.map((reason, i) => `WHEN ${i + 1} THEN ${quoteLiteral(reason[of] ?? '')}`).join(' ')} END`;
  const select =
    `SELECT ${quoteLiteral(work.runId)} AS run_id, ${quoteIdentifier(source)} AS source, CAST(${record} AS BIGINT) AS record_number, ` +
    `CAST(nullif(${offset}, '') AS BIGINT) AS byte_offset, ${byStatus('column')} AS column_name, ${byStatus('reason')} AS reason, ` +
    `${work.keepRaw ? raw : 'CAST(NULL AS VARCHAR)'} AS raw, ${quoteLiteral(new Date(work.startedAt).toISOString())} AS rejected_at ` +
    `FROM (${typed.select}) WHERE ${STATUS} > 0`;
  const first = await ctx.sql.rows(`${select} LIMIT ${FIRST}`);
  return {
    select,
    rows: [...statuses.values()].reduce((sum, rows) => sum + rows, 0),
    first: first.map((row) => ({ ...row, record_number: numberOf(row['record_number']), byte_offset: numberOf(row['byte_offset']) }) as RejectRow),
  };
}

function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}
