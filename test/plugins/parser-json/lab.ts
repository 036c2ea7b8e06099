import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { engineErrorKind, openDatabase } from '../../../src/core/duckdb/index.js';
import { createSpool } from '../../../src/core/engine/spool.js';
import { conversionSql } from '../../../src/core/engine/typing/convert.js';
import {
  quoteIdentifier,
  type ParserFile,
  type Reading,
  type RejectRecord,
  type RowPlace,
  type SqlConnection,
  type TaskContext,
  type Verdict,
} from '../../../src/core/spi/index.js';

export type Row = Record<string, string | null>;

export interface Outcome {
  readonly rows: Row[];
  /** The same after the run's strict conversions, as text; null where a text does not convert, too. */
  readonly values: Row[];
  /** Reasons why a reading was thrown away. */
  readonly redone: string[];
  readonly rejects: RejectRecord[];
  readonly verdict: Extract<Verdict, { keep: true }>;
  readonly places: RowPlace[];
}

export interface Lab {
  readonly dir: string;
  readonly ctx: TaskContext;
  readonly sql: SqlConnection;
  file(content: string | Uint8Array, name?: string): Promise<ParserFile>;
  close(): Promise<void>;
}

export const place = { at: (p: string) => ({ path: p }) };

/** What a plugin gets from the engine: a real DuckDB, real spools and a folder of its own. */
export async function openLab(): Promise<Lab> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'sluice-parser-'));
  const db = await openDatabase({ threads: 2 });
  const sql = await db.connect();
  let spools = 0;
  let files = 0;
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
    resource: (name) => Promise.reject(new Error(`no resource ${name} in this test`)),
    rejectsSoFar: () => undefined,
    spool: (extension) => createSpool({ dir, name: `spool-${spools++}`, extension, segmentSizeBytes: 64 << 20, reach: () => undefined }),
  };
  return {
    dir,
    ctx,
    sql,
    async file(content, name = `f${files++}`) {
      const target = path.join(dir, name);
      await writeFile(target, content);
      const open = (): AsyncIterable<Uint8Array> => createReadStream(target) as AsyncIterable<Uint8Array>;
      return { name, path: target, size: Buffer.byteLength(content), decoders: [], open, openRaw: open };
    },
    async close() {
      sql.close();
      db.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The engine, too, lets the reading judge a scan that DuckDB ended with an error. */
async function scan(reading: Reading, sql: SqlConnection): Promise<{ found: Row[] | undefined; values: Row[] }> {
  const names = reading.relation.columns.map((c) => quoteIdentifier(c.name));
  try {
    const found = await sql.rows(`SELECT ${names.map((n) => `cast(${n} as varchar) as ${n}`).join(', ')} FROM ${reading.relation.from}`);
    return { found: found as Row[], values: await convertedRows(reading, sql) };
  } catch (error) {
    if (engineErrorKind(error) !== 'invalid-input') throw error;
    return { found: undefined, values: [] };
  }
}

/** Reads like the engine: one scan, check, another reading if asked for, then rejects and places. */
export async function readAll(first: Reading, sql: SqlConnection): Promise<Outcome> {
  let reading = first;
  const redone: string[] = [];
  for (;;) {
    reading.begin?.();
    const { found, values } = await scan(reading, sql);
    const verdict = await reading.check(found?.length ?? -1);
    if (!verdict.keep || !found) {
      if (verdict.keep) throw new Error('a failed scan was kept');
      await reading.close();
      redone.push(verdict.reason);
      reading = verdict.instead;
      continue;
    }
    const rejects: RejectRecord[] = [];
    for await (const batch of verdict.rejects()) rejects.push(...batch);
    const places: RowPlace[] = [];
    if (reading.places)
      for await (const batch of reading.places(
        Float64Array.from(found, (_, i) => i + 1),
        true,
      ))
        places.push(...batch);
    await reading.close();
    return { rows: found, values, redone, rejects, verdict, places };
  }
}

export async function convertedRows(reading: Reading, sql: SqlConnection): Promise<Row[]> {
  const columns = reading.relation.columns.map((c) => {
    const name = quoteIdentifier(c.name);
    return `cast(${c.text ? conversionSql(name, c) : name} as varchar) as ${name}`;
  });
  return (await sql.rows(`SELECT ${columns.join(', ')} FROM (SELECT * FROM ${reading.relation.from})`)) as Row[];
}
