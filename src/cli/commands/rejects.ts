import { quoteLiteral, quotePaths, type JsonValue, type RunRecord, type SqlValue } from '../../core/spi/index.js';
import { openDatabase } from '../../core/duckdb/index.js';
import type { TaskReport } from '../../core/engine/run-task.js';
import { stagedPaths, type Warehouse } from '../../warehouse/index.js';
import type { Metastore } from '../../metastore/types.js';
import { flag, text, type Command, type CommandContext } from '../command.js';
import { findRun } from '../find-run.js';
import { formatCount } from '../format.js';
import { findRejectsTable, REJECT_COLUMNS } from '../rejects-table.js';
import { writeResult, type ResultFormat } from '../result-writer.js';
import { withSession } from '../session.js';
import { countOption, usageError } from '../subcommand.js';

type TextFormat = Exclude<ResultFormat, 'parquet'>;
const FORMATS: readonly TextFormat[] = ['table', 'vertical', 'csv', 'tsv', 'jsonl', 'json'];

export const command: Command = {
  name: 'rejects',
  usage: 'RUN',
  summary: 'Show the records a run rejected, with place, column and reason.',
  details: 'Those of a committed run are in TABLE__rejects. Of a run that did not commit, the first 1,000 are kept.',
  options: {
    format: { value: 'FORMAT', help: `${FORMATS.join(', ')} (default: table on a terminal, else csv)` },
    replay: { help: 'load them again, through the pipeline as its config is now' },
    limit: { value: 'N', help: 'how many (default: 100 in a table, else all)' },
  },
  examples: ['sluice rejects latest', 'sluice rejects 20260101T093000-1f2e3d4c --format csv --limit 1000'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const store = await session.metastore();
      const run = await findRun(store, context.args[0] ?? '');
      if (flag(context.options, 'replay')) {
        const { replayRejects } = await import('../replay-rejects.js');
        await replayRejects(context, session, run);
        return 0;
      }
      const format = readFormat(context);
      const limit = countOption('rejects', 'limit', text(context.options, 'limit')) ?? (format === 'table' ? 100 : undefined);
      const total = rejectedRows(run);
      const warehouse = await session.warehouse();
      const shown =
        run.status === 'committed'
          ? await printCommitted(context, warehouse, run, format, limit)
          : await printKept(context, store, run, format, limit);
      if (shown === 0) context.out.say(`run ${run.runId} rejected nothing`);
      else if (total !== undefined && total > shown)
        context.out.say(`${formatCount(shown)} of ${formatCount(total)} rejected records; --limit shows more`);
      else if (shown === limit) context.out.say(`the first ${formatCount(shown)}; --limit shows more`);
      return 0;
    }),
};

function readFormat(context: CommandContext): TextFormat {
  const given = text(context.options, 'format') ?? (context.out.json ? 'jsonl' : context.out.stdoutIsTerminal ? 'table' : 'csv');
  const format = FORMATS.find((f) => f === given);
  if (!format) throw usageError('rejects', `--format: expected ${FORMATS.join(', ')}, found ${given}`, 'e.g. --format csv');
  return format;
}

function rejectedRows(run: RunRecord): number | undefined {
  const rejected = run.summary?.['rejected'];
  return typeof rejected === 'number' ? rejected : undefined;
}

async function printCommitted(
  context: CommandContext,
  warehouse: Warehouse,
  run: RunRecord,
  format: TextFormat,
  limit: number | undefined,
): Promise<number> {
  const rejects = await findRejectsTable(warehouse, run);
  if (rejects === undefined) return 0;
  const sql =
    `SELECT ${REJECT_COLUMNS.map((c) => c.name).join(', ')} FROM ${rejects} ` +
    `WHERE run_id = ${quoteLiteral(run.runId)} ORDER BY source, record_number${limit === undefined ? '' : ` LIMIT ${limit}`}`;
  const result = await warehouse.query(sql, { signal: context.signal });
  try {
    return await writeResult(result, format, (chunk) => context.out.print(chunk));
  } finally {
    await result.close();
  }
}

async function printKept(context: CommandContext, store: Metastore, run: RunRecord, format: TextFormat, limit: number | undefined): Promise<number> {
  const kept = (await store.keptRejects(run.runId)).slice(0, limit);
  if (kept.length === 0) return printStaged(context, store, run, format, limit);
  const values = REJECT_COLUMNS.map(({ name }) => kept.map((reject): SqlValue => toSqlValue(reject[name])));
  const chunks = async function* (): AsyncGenerator<SqlValue[][]> {
    yield values;
  };
  return writeResult({ columns: REJECT_COLUMNS, chunks }, format, (chunk) => context.out.print(chunk));
}

/** A held run's rejects wait in Parquet files for the commit. */
async function printStaged(
  context: CommandContext,
  store: Metastore,
  run: RunRecord,
  format: TextFormat,
  limit: number | undefined,
): Promise<number> {
  const reports = (await store.finishedTasks(run.runId)).map(({ report }) => report as unknown as TaskReport);
  const paths = reports.flatMap(({ rejects }) => (rejects === null ? [] : stagedPaths(rejects)));
  if (paths.length === 0) return 0;
  const database = await openDatabase({ threads: 1 });
  const sql = await database.connect();
  try {
    const select =
      `SELECT ${REJECT_COLUMNS.map((c) => c.name).join(', ')} FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false) ` +
      `ORDER BY source, record_number${limit === undefined ? '' : ` LIMIT ${limit}`}`;
    return await writeResult({ columns: REJECT_COLUMNS, chunks: () => sql.chunks(select) }, format, (chunk) => context.out.print(chunk));
  } finally {
    sql.close();
    database.close();
  }
}

function toSqlValue(value: JsonValue | undefined): SqlValue {
  if (value === undefined || value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}
