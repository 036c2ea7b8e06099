import { existsSync, mkdirSync, renameSync, writeFileSync, createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { openDatabase } from '../src/core/duckdb/index.js';

export const DATA = process.env['SLUICE_BENCH_DATA'] ?? fileURLToPath(new URL('./data/', import.meta.url));

/** 11 columns over 30 days. `bad`: one row in so many has a bad value (0: none). `numbers`: a relation of the rows' numbers `i`. */
function rowsSql(rows: number, bad: number, numbers = `range(${rows}) t(i)`): string {
  const id = bad === 0 ? 'i::VARCHAR' : `CASE WHEN i % ${bad} = 3 THEN 'bad' || i ELSE i::VARCHAR END`;
  return `SELECT (1704067200 + (i * 37) % 2592000)::BIGINT AS time, ${id} AS id, 'user_' || (i * 7919 % 100000) AS user_name,
    '/path/' || (i * 104729 % 5000) || '/page.html' AS path, 'GET' AS method, 200 + (i % 5) * 100 AS code,
    ((hash(i) % 50000))::INT AS size, round((hash(i + 7) % 100000) / 1000.0, 3) AS latency,
    'Mozilla/5.0 (Windows NT ' || (i % 11) || '.1; WOW64) AppleWebKit/535.11' AS agent,
    strftime(to_timestamp(1704067200 + (i * 37) % 2592000) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') AS created_at,
    CASE WHEN i % 13 = 0 THEN NULL ELSE 'comment "quoted", with comma ' || i % 100 END AS comment FROM ${numbers}`;
}

export const COLUMNS = [
  { name: 'time', type: 'long', duck: 'BIGINT' },
  { name: 'id', type: 'long', duck: 'BIGINT' },
  { name: 'user_name', type: 'string', duck: 'VARCHAR' },
  { name: 'path', type: 'string', duck: 'VARCHAR' },
  { name: 'method', type: 'string', duck: 'VARCHAR' },
  { name: 'code', type: 'long', duck: 'BIGINT' },
  { name: 'size', type: 'long', duck: 'BIGINT' },
  { name: 'latency', type: 'double', duck: 'DOUBLE' },
  { name: 'agent', type: 'string', duck: 'VARCHAR' },
  { name: 'created_at', type: 'timestamp', duck: 'TIMESTAMP', format: '%Y-%m-%d %H:%M:%S' },
  { name: 'comment', type: 'string', duck: 'VARCHAR' },
] as const;

/** Makes a file once; later calls find it. */
async function once(name: string, make: (path: string) => Promise<void>): Promise<string> {
  mkdirSync(DATA, { recursive: true });
  const path = join(DATA, name);
  if (existsSync(path)) return path;
  await make(`${path}.partial`);
  renameSync(`${path}.partial`, path);
  return path;
}

async function copy(sql: string): Promise<void> {
  const database = await openDatabase();
  const connection = await database.connect();
  await connection.run(sql);
  connection.close();
  database.close();
}

export function csvFile(rows: number, bad = 0): Promise<string> {
  return once(`rows-${rows}${bad === 0 ? '' : `-bad${bad}`}.csv`, (path) => copy(`COPY (${rowsSql(rows, bad)}) TO '${path}' (FORMAT csv, HEADER)`));
}

/** CSV of the rows whose numbers are `first`, `first + step`, … */
export function csvOfNumbers(rows: number, first: number, step: number): Promise<string> {
  const numbers = `(SELECT ${first} + ${step} * n AS i FROM range(${rows}) r(n))`;
  return once(`rows-${rows}-from-${first}-by-${step}.csv`, (path) => copy(`COPY (${rowsSql(rows, 0, numbers)}) TO '${path}' (FORMAT csv, HEADER)`));
}

/** The rows of {@link csvFile} as LOAD DATA reads them without loss: NULL is the bare word, texts are quoted. */
export function loadDataFile(rows: number): Promise<string> {
  const texts = COLUMNS.filter((c) => c.duck === 'VARCHAR').map((c) => c.name);
  return once(`rows-${rows}-load-data.csv`, (path) =>
    copy(`COPY (${rowsSql(rows, 0)}) TO '${path}' (FORMAT csv, HEADER false, NULLSTR 'NULL', FORCE_QUOTE (${texts.join(', ')}))`),
  );
}

export function ndjsonFile(rows: number): Promise<string> {
  return once(`rows-${rows}.jsonl`, (path) =>
    copy(`COPY (SELECT * REPLACE (id::BIGINT AS id) FROM (${rowsSql(rows, 0)})) TO '${path}' (FORMAT json)`),
  );
}

export function gzipFile(rows: number): Promise<string> {
  return once(`rows-${rows}.csv.gz`, async (path) =>
    pipeline(createReadStream(await csvFile(rows)), createGzip({ level: 1 }), createWriteStream(path)),
  );
}

export function zstdFile(rows: number): Promise<string> {
  return once(`rows-${rows}.csv.zst`, (path) => copy(`COPY (${rowsSql(rows, 0)}) TO '${path}' (FORMAT csv, HEADER, COMPRESSION zstd)`));
}

/** A folder of `files` CSV files with a header each. */
export function csvFolder(rows: number, files: number): Promise<string> {
  return once(`rows-${rows}-in-${files}`, async (path) => {
    mkdirSync(path, { recursive: true });
    const { readFileSync } = await import('node:fs');
    const text = readFileSync(await csvFile(rows), 'latin1');
    const header = text.slice(0, text.indexOf('\n') + 1);
    let at = header.length;
    const per = Math.ceil((text.length - at) / files);
    for (let i = 0; i < files; i++) {
      const end = i === files - 1 ? text.length : text.indexOf('\n', at + per) + 1;
      writeFileSync(join(path, `part-${String(i).padStart(5, '0')}.csv`), header + text.slice(at, end), 'latin1');
      at = end;
    }
  });
}
