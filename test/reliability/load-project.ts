import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { Environment } from '../../src/cli/environment.js';
import type { JsonObject } from '../../src/core/spi/index.js';
import { findLeftovers, makeProject, type CommandEnd, type Project, type ProjectOptions } from './project.js';

/** Rows of each of the two files. */
export const ROWS = 1000;

export function csvRows(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `${from + i},name ${from + i}\n`).join('');
}

export function loadConfig(more: JsonObject = {}): JsonObject {
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
  ];
  return {
    in: { type: 'file', path_prefix: 'data/', parser: { type: 'csv', columns } },
    out: { type: 'warehouse', table: 'shop.t' },
    exec: { max_threads: 1 },
    ...more,
  };
}

/** `load.yml` reads data/a.csv (ids 0…999) and data/b.csv.gz (1000…1999) in two tasks, one after the other, into shop.t. */
export async function withLoadProject(work: (project: Project) => Promise<void>, options: ProjectOptions = {}): Promise<void> {
  const project = await makeProject(options);
  try {
    await project.write('data/a.csv', csvRows(0, ROWS));
    await project.write('data/b.csv.gz', gzipSync(csvRows(ROWS, ROWS)));
    await project.pipeline('load', loadConfig());
    await work(project);
  } finally {
    await project.remove();
  }
}

/** An environment in which `act` happens the n-th time that the point is reached. */
export function whenReached(point: string, act: () => void, occurrence = 1): Partial<Environment> {
  let count = 0;
  return {
    reach(reached) {
      if (reached === point && ++count === occurrence) act();
    },
  };
}

export function assertFails(
  end: { readonly code: number | null; readonly stderr: string },
  expected: { readonly exit: number; readonly code: string; readonly message: RegExp; readonly hint: RegExp },
): void {
  assert.is(end.code, expected.exit, end.stderr);
  assert.match(end.stderr, new RegExp(`error ${expected.code}: `));
  assert.match(end.stderr, expected.message);
  assert.match(end.stderr.replace(/^[^]*\nhint: /, 'hint: '), expected.hint);
}

export async function countRows(project: Project): Promise<{ rows: number; distinct: number }> {
  const [found] = await project.query('SELECT count(*) AS n, count(DISTINCT id) AS d FROM shop.t');
  return { rows: Number(found?.['n']), distinct: Number(found?.['d']) };
}

export async function assertRows(project: Project, rows: number): Promise<void> {
  assert.equal(await countRows(project), { rows, distinct: rows });
}

/** No file that the metastore does not know, no temporary file, nothing recorded of runs that have ended. */
export async function assertClean(project: Project): Promise<void> {
  const { data, metadata, temp, recorded } = await findLeftovers(project);
  assert.equal({ data, metadata, temp, recorded }, { data: [], metadata: [], temp: [], recorded: [] });
}

/** The next run completes: every row once, nothing left, and the run after it finds nothing to do. */
export async function assertCompletes(project: Project, rows = 2 * ROWS): Promise<CommandEnd> {
  const end = await project.sluice(['run', 'load.yml']);
  assert.is(end.code, 0, end.stderr);
  await assertRows(project, rows);
  await assertClean(project);
  const again = await project.sluice(['run', 'load.yml']);
  assert.is(again.code, 0, again.stderr);
  assert.match(again.stderr, /nothing new to load/);
  return end;
}
