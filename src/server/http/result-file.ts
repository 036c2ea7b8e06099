import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../core/duckdb/index.js';
import { fileSystemError, quotePath, type JobRecord } from '../../core/spi/index.js';
import { answerRows, type RowsToSend } from './answer-rows.js';
import { HttpError } from './problem.js';
import type { Answer, Call } from './route.js';
import { FORMAT_TYPES, type TextFormat } from './schemas.js';

/** Memory for reading a kept result; it is read in order, so it does not grow with its size. */
const READ_MEMORY = 256 * 1024 * 1024;

/** Streams the kept result of a job. Errors: HttpError 409 while it runs or when it kept none, 410 when it is gone. */
export async function answerResult(call: Call, job: JobRecord, format: string): Promise<Answer> {
  const path = pathOf(job, call.services.clock.now());
  if (format === 'parquet') return { type: FORMAT_TYPES.parquet, stream: (await openFile(path, job)).createReadStream() };
  await (await openFile(path, job)).close();
  const release = await call.services.slots.take(call.signal);
  try {
    const rows = await readParquet(path, call.signal);
    return await answerRows(rows, format as TextFormat, { most: Number.MAX_SAFE_INTEGER }, () => release());
  } catch (error) {
    release();
    throw error;
  }
}

function pathOf(job: JobRecord, now: number): string {
  const file = job.result?.resultFile;
  if (job.status === 'queued' || job.status === 'running')
    throw new HttpError(409, { code: 'JOB_NOT_ENDED', message: `job ${job.id} is ${job.status}`, hint: 'wait until it has ended' });
  if (!file)
    throw new HttpError(409, {
      code: 'RESULT_NONE',
      message: `job ${job.id} ended with ${job.status} and kept no result`,
      hint: 'SELECTs without "into" and "out" keep theirs',
    });
  if (file.expiresAt <= now) throw expired(job);
  return fileURLToPath(file.uri);
}

async function openFile(path: string, job: JobRecord): ReturnType<typeof open> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw expired(job);
    throw fileSystemError(error, `reading the result of job ${job.id}`);
  }
}

function expired(job: JobRecord): HttpError {
  return new HttpError(410, { code: 'RESULT_EXPIRED', message: `the result of job ${job.id} is no longer kept`, hint: 'retry the job' });
}

async function readParquet(path: string, signal: AbortSignal): Promise<RowsToSend> {
  const database = await openDatabase({ threads: 1, memoryLimit: READ_MEMORY });
  const sql = await database.connect();
  const stop = (): void => sql.interrupt();
  signal.addEventListener('abort', stop);
  const from = `read_parquet(${quotePath(path)}, hive_partitioning = false)`;
  const close = (): Promise<void> => {
    signal.removeEventListener('abort', stop);
    sql.close();
    database.close();
    return Promise.resolve();
  };
  try {
    const described = await sql.rows(`DESCRIBE SELECT * FROM ${from}`);
    const columns = described.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
    return { columns, chunks: () => sql.chunks(`SELECT * FROM ${from}`), close };
  } catch (error) {
    await close();
    throw error;
  }
}
