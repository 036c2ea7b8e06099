import { resolve } from 'node:path';
import { ConfigError } from '../../core/spi/index.js';
import { flag, list, text, type Command, type CommandContext } from '../command.js';
import { formatBytes, formatCount, formatCountOf, formatTable } from '../format.js';
import { writeResultFile } from '../result-file.js';
import { RESULT_FORMATS, writeResult, type ResultFormat } from '../result-writer.js';
import { parseScheduledTime } from '../scheduled-time.js';
import { readSqlText } from '../sql-text.js';
import { withSession, type Session } from '../session.js';
import { sqlLimits } from '../sql-limits.js';
import { writeTextResult } from '../text-result-file.js';
import { traced } from '../traced.js';
import type { QueryOptions, QueryStats, Warehouse } from '../../warehouse/index.js';

export const command: Command = {
  name: 'query',
  usage: '["SQL"]',
  summary: 'Run SQL over the tables: SELECT, INSERT, CREATE TABLE AS, DELETE, DROP, views.',
  details: 'The text comes from the argument, from -f, or from stdin. The dialect is DuckDB’s. Several statements are separated by `;`.',
  options: {
    file: { short: 'f', value: 'FILE.sql', help: 'read the statements from a file' },
    format: { value: 'FORMAT', help: `${RESULT_FORMATS.join(', ')} (default: table on a terminal, else csv)` },
    output: { short: 'o', value: 'FILE', help: 'write the result to a file that appears complete or not at all' },
    force: { help: 'overwrite the file of -o' },
    param: { short: 'p', value: 'NAME=VALUE', multiple: true, help: 'value of $NAME in the text' },
    explain: { help: 'show which files and rows would be read, without running' },
    run: { value: 'RUN', help: 'see the tables and rejects as `sluice commit RUN` would make them, after `run --hold`' },
    snapshot: { value: 'ID', help: 'read the tables as of this snapshot' },
    'as-of': { value: 'TIME', help: 'read the tables as of this time' },
    'scheduled-time': { value: 'TIME', help: 'what TD_SCHEDULED_TIME() gives (default: now)' },
    namespace: { value: 'NAME', help: 'namespace of names without one (default: main)' },
  },
  examples: [
    'sluice query "SELECT count(*) FROM shop.orders"',
    'sluice query -f report.sql --param day=2026-01-01 --format parquet -o report.parquet',
  ],
  arity: [0, 1],
  run: (context) => traced(context, 'query', runQuery),
};

function runQuery(context: CommandContext): Promise<number> {
  return withSession(context, undefined, async (session) => {
    const sql = await readSqlText(context, context.args[0], 'query');
    const warehouse = await session.warehouse();
    const format = readFormat(context);
    const statements = warehouse.splitStatements(sql);
    if (statements.length === 0)
      throw new ConfigError({ code: 'SQL_EMPTY', message: 'there is no statement to run', hint: 'e.g. sluice query "SELECT 1"' });
    if (text(context.options, 'output') !== undefined && statements.filter((statement) => warehouse.isQuery(statement)).length > 1)
      throw new ConfigError({
        code: 'USAGE',
        message: '-o takes the result of one SELECT, and there are several',
        hint: 'run each of them by itself, with a file of its own',
      });
    const options = await queryOptions(context, session);
    const runAll = async (door: Door): Promise<void> => {
      for (const statement of statements) await runStatement(context, door, statement, format, options);
    };
    const run = text(context.options, 'run');
    if (run === undefined) await runAll(warehouse);
    else await runInHeld(session, context, run, warehouse, runAll);
    return 0;
  });
}

/** What statements run through. */
type Door = Pick<Warehouse, 'execute' | 'query' | 'explain' | 'writeFile' | 'isQuery'>;

async function runInHeld(
  session: Session,
  context: CommandContext,
  run: string,
  warehouse: Warehouse,
  work: (door: Door) => Promise<void>,
): Promise<void> {
  const { findRun } = await import('../find-run.js');
  const { withHeldRun } = await import('../held-run-sql.js');
  const found = await findRun(await session.metastore(), run);
  await withHeldRun(session, found, context.signal, (sql) =>
    work({
      ...sql,
      isQuery: (statement) => warehouse.isQuery(statement),
      async execute(statement, options) {
        if (warehouse.isQuery(statement)) return { kind: 'rows', result: await sql.query(statement, options) };
        throw new ConfigError({
          code: 'SQL_REFUSED',
          message: `run ${found.runId} is held: with --run there are only SELECTs`,
          hint: '`sluice commit RUN` ends it; then leave --run out',
        });
      },
    }),
  );
}

function readFormat(context: CommandContext): ResultFormat {
  const given =
    text(context.options, 'format') ??
    formatOfFile(text(context.options, 'output')) ??
    (context.out.json ? 'jsonl' : context.out.stdoutIsTerminal ? 'table' : 'csv');
  const format = RESULT_FORMATS.find((f) => f === given);
  if (!format)
    throw new ConfigError({
      code: 'USAGE',
      message: `--format: expected one of ${RESULT_FORMATS.join(', ')}, found ${given}`,
      hint: 'e.g. --format jsonl',
    });
  if (format === 'parquet' && text(context.options, 'output') === undefined) {
    throw new ConfigError({ code: 'USAGE', message: '--format parquet needs a file', hint: 'add -o result.parquet' });
  }
  return format;
}

function formatOfFile(file: string | undefined): string | undefined {
  const extension = file === undefined ? undefined : /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return extension === 'ndjson' ? 'jsonl' : RESULT_FORMATS.find((f) => f === extension);
}

async function queryOptions(context: CommandContext, session: Session): Promise<QueryOptions> {
  const { options } = context;
  const params: Record<string, string> = {};
  for (const given of list(options, 'param')) {
    const at = given.indexOf('=');
    if (at < 1)
      throw new ConfigError({ code: 'USAGE', message: `--param: expected name=value, found ${given}`, hint: 'e.g. --param day=2026-01-01' });
    params[given.slice(0, at)] = given.slice(at + 1);
  }
  const snapshot = text(options, 'snapshot');
  if (snapshot !== undefined && !/^\d+$/.test(snapshot))
    throw new ConfigError({
      code: 'USAGE',
      message: `--snapshot: expected a snapshot id, found ${snapshot}`,
      hint: '`sluice show TABLE` lists them',
    });
  const asOf = text(options, 'as-of');
  const namespace = text(options, 'namespace');
  if (namespace === '') throw new ConfigError({ code: 'USAGE', message: '--namespace: expected a name, found none', hint: 'e.g. --namespace shop' });
  const scheduled = text(options, 'scheduled-time');
  return {
    ...sqlLimits(session.project),
    params,
    signal: context.signal,
    ...(snapshot === undefined ? {} : { snapshot: BigInt(snapshot) }),
    ...(asOf === undefined ? {} : { asOf }),
    ...(scheduled === undefined ? {} : { scheduledTime: await parseScheduledTime(scheduled) }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

async function runStatement(context: CommandContext, warehouse: Door, statement: string, format: ResultFormat, options: QueryOptions): Promise<void> {
  if (flag(context.options, 'explain')) return printStats(context, await warehouse.explain(statement, options));
  const output = text(context.options, 'output');
  if (output !== undefined && warehouse.isQuery(statement))
    return writeFile(context, warehouse, statement, resolve(context.environment.cwd, output), format, options);
  const answer = await warehouse.execute(statement, options);
  if (answer.kind === 'done') {
    if (context.out.json) await context.out.printJson({ event: 'statement', ...answer.facts });
    else context.out.say(answer.message);
    return;
  }
  try {
    await writeResult(answer.result, format === 'parquet' ? 'csv' : format, (chunk) => context.out.print(chunk));
  } finally {
    await answer.result.close();
  }
}

async function writeFile(
  context: CommandContext,
  warehouse: Door,
  sql: string,
  path: string,
  format: ResultFormat,
  options: QueryOptions,
): Promise<void> {
  const force = flag(context.options, 'force');
  if (format === 'parquet') {
    const written = await writeResultFile(path, { force, whole: true }, (target) => warehouse.writeFile(sql, { path: target, format }, options));
    context.out.say(`${formatCountOf(written.rows, 'row')}, ${formatBytes(written.bytes)} in ${path}`);
    return;
  }
  const rows = await writeResultFile(path, { force, whole: false }, async (target) => {
    const result = await warehouse.query(sql, options);
    try {
      return await writeTextResult(result, format, target);
    } finally {
      await result.close();
    }
  });
  context.out.say(`${formatCountOf(rows, 'row')} in ${path}`);
}

async function printStats(context: CommandContext, stats: QueryStats): Promise<void> {
  if (context.out.json) return context.out.printJson({ event: 'explain', ...stats });
  const rows = stats.tables.map((t) => [
    t.table,
    String(t.scans),
    formatCount(t.filesTotal),
    formatCount(t.filesKept),
    formatCount(t.rowsTotal),
    formatCount(t.rowsKept),
    formatBytes(t.bytesKept),
  ]);
  await context.out.printLine(formatTable(['table', 'scans', 'files', 'files read', 'rows', 'rows read', 'bytes read'], rows));
}
