import { randomUUID } from 'node:crypto';
import { mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openDatabase, type Database } from '../../../src/core/duckdb/index.js';
import { buildSelect, STATUS } from '../../../src/core/engine/select.js';
import type {
  JsonObject,
  ParserFile,
  ParserMemory,
  ParserPlan,
  Reading,
  RejectRecord,
  RowPlace,
  Spool,
  SqlConnection,
  TaskContext,
  Verdict,
} from '../../../src/core/spi/index.js';
import { quoteIdentifier } from '../../../src/core/spi/index.js';
import { openCsv } from '../../../src/plugins/parser-csv/open-csv.js';
import { openOwnLane } from '../../../src/plugins/parser-csv/own-lane.js';
import csv from '../../../src/plugins/parser-csv/index.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';
import { fileChunks } from '../../../src/plugins/shared/file-chunks.js';

export type Row = (string | null)[];

export interface Outcome {
  /** `native`, `own` (from the start) or `redo` (native thrown away). */
  readonly lane: 'native' | 'own' | 'redo';
  readonly reason: string | undefined;
  /** Each time that a result was thrown away, why. */
  readonly redone: readonly string[];
  /** Columns that DuckDB's reader gave as values at first. */
  readonly typed: readonly string[];
  readonly rows: Row[];
  readonly rejects: RejectRecord[];
  readonly verdict: Extract<Verdict, { keep: true }>;
  readonly places: RowPlace[];
}

export interface ReadOptions {
  readonly memory?: ParserMemory;
  readonly places?: boolean;
  readonly forceOwn?: boolean;
  /** Rows are what the engine makes of them: values as text, then why the row is rejected. */
  readonly convert?: boolean;
  readonly progress?: TaskContext['progress'];
}

export interface CsvLab {
  readonly dir: string;
  readonly ctx: TaskContext;
  file(content: string | Uint8Array, name?: string): Promise<ParserFile>;
  read(config: JsonObject, files: readonly ParserFile[], options?: ReadOptions): Promise<Outcome>;
  close(): Promise<void>;
}

const place = { at: (p: string) => ({ path: p }) };

/** A small stand-in for the engine: plan, open, scan, check, redo, places. */
export async function openLab(): Promise<CsvLab> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'sluice-csv-'));
  const db: Database = await openDatabase({ threads: 2 });
  const sql = await db.connect();
  const ctx: TaskContext = {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    root: dir,
    tempDir: dir,
    reach: () => undefined,
    task: 0,
    sql,
    connect: () => db.connect(),
    progress: () => undefined,
    rejectsSoFar: () => undefined,
    resource: () => Promise.reject(new Error('no resources here')),
    spool: (extension) => new SegmentSpool(dir, extension),
  };
  let n = 0;
  return {
    dir,
    ctx,
    async file(content, name = `f${n++}.csv`) {
      const target = path.join(dir, name);
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      await writeFile(target, bytes);
      return { name, path: target, size: bytes.length, decoders: [], open: () => fileChunks(target), openRaw: () => fileChunks(target) };
    },
    read: (config, files, options = {}) => run(config, files, options.progress ? { ...ctx, progress: options.progress } : ctx, sql, options),
    async close() {
      sql.close();
      db.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function run(
  config: JsonObject,
  files: readonly ParserFile[],
  ctx: TaskContext,
  sql: SqlConnection,
  options: ReadOptions = {},
): Promise<Outcome> {
  const typed = config as unknown as CsvConfig;
  const plan: ParserPlan = await csv.plan(typed, files, { ...ctx, place, memory: options.memory, sql });
  let reading: Reading = options.forceOwn ? await openForcedOwn(files, plan, typed, ctx) : await openCsv(files, plan, typed, ctx);
  let lane: Outcome['lane'] = reading.shouldStop ? 'native' : 'own';
  const redone: string[] = [];
  const typedNames = reading.relation.columns.flatMap((column) => (column.text === undefined ? [column.name] : []));
  for (;;) {
    reading.begin?.();
    const { rows, delivered } = await scan(reading, sql, options.convert === true);
    const verdict = await reading.check(delivered);
    if (!verdict.keep) {
      await reading.close();
      reading = verdict.instead;
      lane = 'redo';
      redone.push(verdict.reason);
      continue;
    }
    const rejects: RejectRecord[] = [];
    for await (const batch of verdict.rejects()) rejects.push(...batch);
    const places: RowPlace[] = [];
    if (options.places && reading.places)
      for await (const batch of reading.places(
        Float64Array.from(rows, (_, i) => i + 1),
        true,
      ))
        places.push(...batch);
    await reading.close();
    return { lane, reason: redone.at(-1), redone, typed: typedNames, rows, rejects, verdict, places };
  }
}

async function scan(reading: Reading, sql: SqlConnection, convert: boolean): Promise<{ rows: Row[]; delivered: number }> {
  const names = reading.relation.columns.map((column) => column.name);
  try {
    if (convert) {
      const { select, reasons } = buildSelect(reading.relation, []);
      const found = await sql.rows(
        `SELECT ${names.map((name) => `${quoteIdentifier(name)}::VARCHAR AS ${quoteIdentifier(name)}`).join(', ')}, ${STATUS} FROM (${select})`,
      );
      const rows = found.map((row) => {
        const reason = reasons[(row[STATUS] as number) - 1];
        return [...names.map((name) => row[name] as string | null), reason ? `${reason.column ?? ''}: ${reason.reason}` : null];
      });
      return { rows, delivered: found.length };
    }
    const found = await sql.rows(`SELECT ${names.map(quoteIdentifier).join(', ')} FROM ${reading.relation.from}`);
    return { rows: found.map((row) => names.map((name) => row[name] as string | null)), delivered: found.length };
  } catch (error) {
    // The engine does the same: a scan that fails is judged by `check(-1)`, when the reading can be read another way.
    if (!reading.shouldStop) throw error;
    return { rows: [], delivered: -1 };
  }
}

/** The own lane, whatever the routing says, to compare both. */
async function openForcedOwn(files: readonly ParserFile[], plan: ParserPlan, config: CsvConfig, ctx: TaskContext): Promise<Reading> {
  const { readCharset, readDialect } = await import('../../../src/plugins/parser-csv/options.js');
  const { prepareText } = await import('../../../src/plugins/parser-csv/text-file.js');
  const { chooseSpoolDialect } = await import('../../../src/plugins/parser-csv/spool-writer.js');
  const { bytePass } = await import('../../../src/plugins/parser-csv/byte-pass.js');
  const dialect = readDialect(config);
  const texts = await Promise.all(files.map((file) => prepareText(file, readCharset(config), [], ctx)));
  const pass = bytePass(texts, dialect, ctx);
  pass.begin();
  return openOwnLane(
    { files: texts, columns: plan.columns, dialect, spool: chooseSpoolDialect(dialect), orders: texts.map(() => undefined), ctx },
    async () => (await pass.result()).map((f) => f.file),
  );
}

class SegmentSpool implements Spool {
  bytes = 0;
  private readonly paths: string[] = [];
  private readonly dir: string;
  private readonly extension: string;
  private readonly segmentBytes = 64 << 20;
  private handle: FileHandle | undefined;
  private inSegment = 0;
  constructor(dir: string, extension: string) {
    this.dir = dir;
    this.extension = extension;
  }
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.handle) {
      const target = path.join(this.dir, `${randomUUID()}.${this.extension}`);
      this.paths.push(target);
      this.handle = await open(target, 'wx');
      this.inSegment = 0;
    }
    await this.handle.writeFile(bytes);
    this.bytes += bytes.length;
    this.inSegment += bytes.length;
    if (this.inSegment >= this.segmentBytes) await this.end();
  }
  private async end(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }
  async finish(): Promise<readonly string[]> {
    await this.end();
    return this.paths;
  }
  async remove(): Promise<void> {
    await this.end();
    await Promise.all(this.paths.map((p) => rm(p, { force: true })));
  }
}
