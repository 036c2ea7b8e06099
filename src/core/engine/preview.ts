import { createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import { openDatabase, type DuckConnection } from '../duckdb/index.js';
import {
  ownValue,
  quoteIdentifier,
  type InputPlugin,
  type ParserFile,
  type Reading,
  type Schema,
  type SqlValue,
  type StageContext,
} from '../spi/index.js';
import { openParserFile } from './file-source.js';
import type { SourcePipeline } from './pipeline.js';
import { RejectBudget } from './reject-budget.js';
import type { RejectRow } from './rejects.js';
import { planFilters, planInput, sourceSchema, type InputHalf } from './run-plan.js';
import { runTask, type Sink } from './run-task.js';
import { STATUS } from './select.js';
import type { EngineServices } from './services.js';
import { createSpool } from './spool.js';
import { toReading } from './task-reading.js';
import { makeTempFolder } from './temp-folders.js';

export interface Preview {
  readonly schema: Schema;
  readonly rows: readonly (readonly SqlValue[])[];
  readonly rejects: readonly RejectRow[];
  /** Over the sample that was read. */
  readonly counts: { readonly read: number; readonly filtered: number; readonly rejected: number };
  readonly notes: readonly string[];
}

/** The first typed rows of a pipeline without its output, and what would be rejected, from a sample of its first file. */
export async function previewPipeline(
  pipeline: SourcePipeline,
  options: { readonly rows: number; readonly sampleBytes: number },
  services: Omit<EngineServices, 'store' | 'holder'>,
): Promise<Preview> {
  const tempDir = join(pipeline.exec.tempDir ?? join(pipeline.root, '.sluice', 'tmp'), `preview-${process.pid}`);
  await makeTempFolder(tempDir);
  const database = await openDatabase({ threads: pipeline.exec.maxThreads, tempDirectory: tempDir });
  const sql = await database.connect();
  try {
    const base = {
      signal: services.signal,
      log: services.log,
      clock: services.clock,
      root: pipeline.root,
      tempDir,
      reach: services.reach,
      resource: services.resource,
    };
    const planned = await planInput(pipeline, undefined, true, { ...base, sql });
    const startedAt = services.clock.now();
    const filters = await planFilters(pipeline, sourceSchema(planned.input), startedAt, { ...base, sql });
    let spools = 0;
    const ctx: StageContext = {
      sampleBytes: options.sampleBytes,
      ...base,
      task: 0,
      runId: 'preview',
      sql,
      connect: () => database.connect(),
      progress: () => {},
      rejectsSoFar: () => {},
      spool: (extension) =>
        createSpool({ dir: tempDir, name: `spool-${spools++}`, extension, segmentSizeBytes: pipeline.exec.segmentSizeBytes, reach: () => {} }),
      record: async () => {},
    };
    const opened = await openSample(pipeline, planned.input, options.sampleBytes, ctx);
    const sink = new PreviewSink(sql, options.rows);
    if (!opened) return { schema: filters.schema, rows: [], rejects: [], counts: { read: 0, filtered: 0, rejected: 0 }, notes: planned.notes };
    const first = filters.segments[0];
    const { report, firstRejects } = await runTask(
      opened.reading,
      {
        source: opened.name,
        filters: first?.filters ?? [],
        firstFilter: 0,
        refuses: false,
        constants: opened.constants,
        sink,
        budget: new RejectBudget({ percent: 100 }),
        runId: 'preview',
        startedAt,
        keepRaw: !filters.hidesValues,
        probeRows: 0,
        discard: async () => {},
      },
      ctx,
    );
    const notes = filters.segments.length > 1 ? [...planned.notes, 'filters from the first whole-run filter on are not previewed'] : planned.notes;
    return {
      schema: sink.schema,
      rows: sink.rows,
      rejects: firstRejects.slice(0, options.rows),
      counts: { read: report.read, filtered: report.filtered, rejected: report.rejected },
      notes,
    };
  } finally {
    sql.close();
    database.close();
    await rm(tempDir, { recursive: true, force: true });
  }
}

/** Keeps the first good rows and counts the rest. */
class PreviewSink implements Sink {
  schema: Schema = [];
  rows: SqlValue[][] = [];
  readonly #sql: DuckConnection;
  readonly #limit: number;

  constructor(sql: DuckConnection, limit: number) {
    this.#sql = sql;
    this.#limit = limit;
  }

  stage: Sink['stage'] = async (relation) => {
    this.schema = relation.schema;
    this.rows = [];
    await this.#sql.run(`CREATE OR REPLACE TEMP TABLE __preview AS ${relation.select}`);
    const columns = relation.schema.map((c) => quoteIdentifier(c.name)).join(', ');
    for await (const chunk of this.#sql.chunks(`SELECT ${columns} FROM __preview WHERE ${STATUS} = 0 LIMIT ${this.#limit}`)) {
      const count = chunk[0]?.length ?? 0;
      for (let i = 0; i < count; i++) this.rows.push(chunk.map((column) => column[i] ?? null));
    }
    const counts = await this.#sql.rows(`SELECT ${STATUS} AS status, count(*) AS n FROM __preview GROUP BY 1`);
    const statuses = Object.fromEntries(counts.filter((c) => c['status'] !== 0).map((c) => [String(c['status'] as number), Number(c['n'])]));
    const good = Number(counts.find((c) => c['status'] === 0)?.['n'] ?? 0);
    return { rows: good, statuses, bytes: 0, files: 0, staged: null };
  };

  stageRejects: Sink['stageRejects'] = async ({ path, rows }) => {
    await readFile(path);
    return { rows, statuses: {}, bytes: 0, files: 0, staged: null };
  };
}

interface OpenedSample {
  readonly reading: Reading;
  readonly name: string;
  readonly constants: readonly {
    readonly column: { readonly name: string; readonly type: 'string'; readonly text: object };
    readonly value: string | null;
  }[];
}

async function openSample(pipeline: SourcePipeline, input: InputHalf, sampleBytes: number, ctx: StageContext): Promise<OpenedSample | undefined> {
  if (input.form === 'tasks') {
    const task = input.plan.tasks[0];
    if (!task) return undefined;
    const source = await (pipeline.input.plugin as InputPlugin).open(task, input.plan, pipeline.input.config, ctx);
    return { reading: await toReading(source, ctx, sampleBytes), name: source.source ?? pipeline.name, constants: [] };
  }
  const file = input.tasks[0]?.[0];
  if (!file || !pipeline.parser) return undefined;
  const parserFile = await openParserFile(pipeline, file, ctx);
  const sample = pipeline.parser.plugin.needsWholeFile ? parserFile : await cutSample(parserFile, sampleBytes, ctx.tempDir);
  const reading = await pipeline.parser.plugin.open([sample], input.parser, pipeline.parser.config, ctx);
  const partition = file.file.partition ?? {};
  return {
    reading,
    name: file.file.name,
    constants: input.partitionColumns.map((column) => ({
      column: { name: column.name, type: 'string' as const, text: {} },
      value: ownValue(partition, column.name) ?? null,
    })),
  };
}

/** The first bytes, decoded; a record that the cut went through is left out. */
export async function cutSample(file: ParserFile, bytes: number, folder: string): Promise<ParserFile> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let complete = true;
  for await (const chunk of file.open()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bytes) {
      complete = false;
      break;
    }
  }
  const all = Buffer.concat(chunks);
  const cut = complete ? all.length : Math.max(all.subarray(0, bytes).lastIndexOf(10) + 1, 0) || bytes;
  const path = join(folder, `sample-${basename(file.name)}`);
  const out = createWriteStream(path);
  out.end(all.subarray(0, cut));
  await once(out, 'close');
  const read = async function* (): AsyncGenerator<Uint8Array> {
    yield all.subarray(0, cut);
  };
  return { name: file.name, size: cut, path, decoders: [], open: read, openRaw: read };
}
