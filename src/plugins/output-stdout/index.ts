import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataError, defineOutput, type FileFormat, type FilePlan, type JsonObject, type OutputPlan, type StageReport } from '../../core/spi/index.js';
import { copyFiles } from '../shared/object-output/index.js';
import { stdoutOutputSchema } from './schema.js';

interface StdoutConfig {
  /** Filled in from `formatter` and `encoders`. */
  readonly format: FileFormat;
}

/** What a task wrote, in the run's temp folder. */
interface Staged {
  readonly path: string;
  readonly rows: number;
}

function fileOf(plan: OutputPlan): FilePlan {
  return plan.details['file'] as unknown as FilePlan;
}

/** Several tasks share one stream: the header is written once, and compression is for the whole. */
function withoutHeader(file: FilePlan): FilePlan {
  return { ...file, copyOptions: '', ...(file.format.form === 'lines' ? { format: { ...file.format, header: null } } : {}) };
}

export default defineOutput<StdoutConfig>({
  kind: 'output',
  type: 'stdout',
  summary: 'Writes all rows to standard output when the run commits; a run that fails before has written nothing.',
  stability: 'stable',
  schema: stdoutOutputSchema,
  examples: [
    { title: 'One JSON object a line', config: { type: 'stdout' } },
    { title: 'CSV', config: { type: 'stdout', formatter: { type: 'csv', newline: 'LF' } } },
  ],
  takesFormat: { default: 'jsonl' },

  identify: () => Promise.resolve({ target: 'stdout:', name: 'stdout', ignoresState: false }),

  plan: (config, schema) =>
    Promise.resolve({
      target: 'stdout:',
      name: 'stdout',
      ignoresState: false,
      schemaChanges: [],
      notes: [],
      details: { file: config.format.plan(schema) as unknown as JsonObject },
    }),

  remove: () => Promise.resolve(),

  async stage(plan, relation, ctx) {
    const details = { file: withoutHeader(fileOf(plan)), partition: [], maxFileBytes: null };
    const { files, rows, statuses } = await copyFiles(details, relation, join(ctx.tempDir, `stdout-${randomUUID().slice(0, 8)}`), ctx.sql);
    const [file] = files;
    const staged: Staged = { path: file?.path ?? '', rows };
    return { rows, statuses, bytes: file?.bytes ?? 0, files: 0, staged: staged as unknown as JsonObject };
  },

  async commit(plan, reports, _rejects, ctx, config) {
    const file = fileOf(plan);
    const staged = reports.map((report) => report.staged as unknown as Staged);
    const filled = staged.filter(({ rows }) => rows > 0);
    const parts = filled.length > 0 ? filled : staged.slice(0, 1);
    if (parts.length > 1) refuseWholeFiles(file, parts.length);
    const encodes = file.encoded || file.copyOptions !== '';
    const bytes = joined(file, parts);
    const stdout = (await ctx.resource('stdout')) as Writable;
    const source = Readable.from(encodes ? config.format.encode(bytes, file, ctx) : bytes);
    await pipeline(source, stdout, { end: false, signal: ctx.signal }).catch((error: unknown) => {
      // Whoever stopped the run says why; the stream knows only that it was torn down.
      ctx.signal.throwIfAborted();
      throw error;
    });
    const facts = { rows: reports.reduce((sum: number, report: StageReport) => sum + report.rows, 0) };
    await ctx.completeAlone(facts);
    return { details: facts };
  },
});

async function* joined({ format }: FilePlan, parts: readonly Staged[]): AsyncGenerator<Uint8Array> {
  if (format.form === 'lines' && format.header !== null) yield Buffer.from(format.header + format.newline);
  for (const { path } of parts) yield* createReadStream(path, { highWaterMark: 256 << 10 }) as AsyncIterable<Uint8Array>;
}

/** A Parquet file or a JSON array cannot be followed by another one. */
function refuseWholeFiles({ format }: FilePlan, count: number): void {
  if (format.form === 'lines' && format.array !== true) return;
  throw new DataError({
    code: 'STDOUT_ONE_FILE',
    message: `stdout: this run makes ${count} files of a format that cannot be joined`,
    hint: 'use formatter jsonl or csv, or output file',
  });
}
