import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import type { Project } from '../reliability/project.js';

export interface Loaded {
  readonly read: number;
  readonly written: number;
  readonly filtered: number;
  readonly rejected: number;
  /** Rows of the table, each as JSON, sorted. */
  readonly rows: readonly string[];
  /** Record numbers of the rejects, ascending. */
  readonly rejects: readonly number[];
  /** Which lane was taken in the end. */
  readonly own: boolean;
}

let tables = 0;

/**
 * Loads one file through the whole engine. The answer is undefined when the config or the data were refused with an error of their
 * own; anything else that is not a balanced load fails.
 */
export async function loadBytes(project: Project, bytes: Uint8Array, parser: JsonObject, name = 'csv'): Promise<Loaded | undefined> {
  const table = `t${++tables}`;
  const file = `data/${table}.${name}`;
  await project.write(file, bytes);
  await project.pipeline(table, {
    in: { type: 'file', paths: [file], parser },
    out: { type: 'warehouse', table: `fuzz.${table}` },
    exec: { max_rejects: '100%', max_threads: 1 },
  });
  const started = performance.now();
  const { code, stdout, stderr } = await project.sluice(['run', `${table}.yml`, '--json', '--log-level', 'debug']);
  assert.ok(performance.now() - started < 30_000, 'no hang');
  if (code === 2 || code === 3) {
    const error = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { code?: string; hint?: string };
    assert.ok(error.code !== undefined && error.hint !== undefined, `an error without code or hint: ${stdout}`);
    return undefined;
  }
  assert.is(code, 0, `${stdout}\n${stderr}`);
  const summary = (JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { pipelines: Record<string, number>[] }).pipelines[0] ?? {};
  const { read = 0, written = 0, filtered = 0, rejected = 0 } = summary;
  assert.is(read, written + filtered + rejected, 'accounting balances');
  const rows = await project.query(`SELECT * FROM fuzz.${table}`);
  const rejects = rejected === 0 ? [] : await project.query(`SELECT record_number AS n FROM fuzz.${table}__rejects ORDER BY ALL`);
  assert.is(rows.length, written);
  assert.is(rejects.length, rejected);
  return {
    read,
    written,
    filtered,
    rejected,
    rows: rows.map((row) => JSON.stringify(row)).sort(),
    rejects: rejects.map((row) => Number(row['n'])),
    own: /our own tokenizer|careful lane/.test(stderr),
  };
}
