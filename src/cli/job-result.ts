import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { openDatabase } from '../core/duckdb/index.js';
import { quotePath, type JobRecord, type SqlConnection } from '../core/spi/index.js';
import { findResult } from '../server/runner/kept-results.js';
import { flag, text, type CommandContext } from './command.js';
import { formatCountOf } from './format.js';
import { writeResultFile } from './result-file.js';
import { RESULT_FORMATS, writeResult, type ResultColumns, type ResultFormat } from './result-writer.js';
import type { Session } from './session.js';
import { usageError } from './subcommand.js';
import { writeTextResult } from './text-result-file.js';

/** Prints the kept result of a SQL job, or writes it to a file. */
export async function printJobResult(context: CommandContext, session: Session, job: JobRecord): Promise<number> {
  const { out, options, environment } = context;
  const { path } = await findResult(job, await (await session.metastore()).now());
  const file = text(options, 'output');
  const format = readFormat(context, file);
  if (file === undefined) {
    await readResult(path, (result) => writeResult(result, format as Exclude<ResultFormat, 'parquet'>, (chunk) => out.print(chunk)));
    return 0;
  }
  const target = resolve(environment.cwd, file);
  const rows = await writeResultFile<number | void>(target, { force: flag(options, 'force'), whole: format === 'parquet' }, (into) =>
    format === 'parquet' ? copyFile(path, into) : readResult(path, (result) => writeTextResult(result, format, into)),
  );
  out.say(`${typeof rows !== 'number' ? 'the result is' : `${formatCountOf(rows, 'row')} ${rows === 1 ? 'is' : 'are'}`} in ${target}`);
  return 0;
}

function readFormat(context: CommandContext, file: string | undefined): ResultFormat {
  const extension = file === undefined ? undefined : /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  const byName = RESULT_FORMATS.find((each) => each === extension);
  const { out, options } = context;
  const given = text(options, 'format') ?? byName ?? (out.json ? 'jsonl' : out.stdoutIsTerminal ? 'table' : 'csv');
  const format = RESULT_FORMATS.find((each) => each === given);
  if (!format) throw usageError('job result', `--format: expected one of ${RESULT_FORMATS.join(', ')}, found ${given}`, 'e.g. --format jsonl');
  if (format === 'parquet' && file === undefined) throw usageError('job result', '--format parquet needs a file', 'add -o result.parquet');
  return format;
}

async function readResult<T>(path: string, use: (result: ResultColumns) => Promise<T>): Promise<T> {
  const database = await openDatabase({ threads: 1 });
  try {
    const sql: SqlConnection = await database.connect();
    const select = `SELECT * FROM read_parquet(${quotePath(path)}, hive_partitioning = false)`;
    const columns = (await sql.rows(`DESCRIBE ${select}`)).map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
    return await use({ columns, chunks: () => sql.chunks(select) });
  } finally {
    database.close();
  }
}
