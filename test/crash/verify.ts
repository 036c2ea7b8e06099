import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import { findLeftovers, type Project } from '../reliability/project.js';
import type { Expected, Scenario } from './scenarios.js';

export interface TableContent {
  readonly ids: readonly number[];
  readonly rejected: number;
}

/** What a reader sees at one moment; tables that do not exist yet are empty. */
export async function readContent(project: Project, hasRejects: boolean): Promise<TableContent> {
  const tables = await project.withMetastore(async (store) => (await store.catalog.listTables()).map((t) => t.name));
  const parts = [
    ...(tables.includes('t') ? ["SELECT 'id' AS kind, id AS n FROM shop.t"] : []),
    ...(tables.includes('t__rejects') ? ["SELECT 'rejected', count(*) FROM shop.t__rejects"] : []),
  ];
  assert.ok(hasRejects || !tables.includes('t__rejects'), 'no table of rejects without rejects');
  const rows = parts.length === 0 ? [] : await project.query(`${parts.join(' UNION ALL ')} ORDER BY 1, 2`);
  const numbers = (kind: string): number[] => rows.filter((row) => row['kind'] === kind).map((row) => Number(row['n']));
  return { ids: numbers('id'), rejected: numbers('rejected')[0] ?? 0 };
}

export function assertContent(actual: TableContent, expected: Expected, what: string): void {
  assert.equal(actual.ids, expected.ids, `${what}: ids`);
  assert.is(actual.rejected, expected.rejected, `${what}: rejects`);
}

export async function runAgain(project: Project, what: string): Promise<JsonObject> {
  const { code, stdout, stderr } = await project.sluice(['run', 'load.yml', '--json']);
  assert.is(code, 0, `${what}: exit ${code}\n${stderr}`);
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { pipelines: JsonObject[] };
  return last.pipelines[0] as JsonObject;
}

/** Whether a killed process had committed before it died. */
export async function hasCommitted(project: Project, runsBefore: number): Promise<boolean> {
  return (await countCommitted(project)) > runsBefore;
}

/** A replace that is run again after its commit commits once more, so rounds do not tell how many there were. */
export async function countCommitted(project: Project): Promise<number> {
  return project.withMetastore(async (store) => (await store.listRuns({ status: 'committed' })).length);
}

/**
 * After a crash in round `round`: readers see the old table or the new one and nothing between; running again completes it; a
 * third run has nothing to do; nothing that was recorded is left.
 */
export async function assertRecovers(project: Project, scenario: Scenario, round: number, what: string, runsBefore = round): Promise<void> {
  const before = round === 0 ? { ids: [], rejected: 0 } : scenario.expect(round - 1);
  const committed = await hasCommitted(project, runsBefore);
  const after = scenario.expect(round);
  assertContent(await readContent(project, after.rejected > 0), committed ? after : before, `${what}: before the next run`);

  const again = await runAgain(project, what);
  assert.is(again['status'], committed && !scenario.replaces ? 'up-to-date' : 'committed', what);
  assertContent(await readContent(project, after.rejected > 0), after, what);

  if (!scenario.replaces) {
    const third = await runAgain(project, `${what}: third run`);
    assert.is(third['status'], 'up-to-date', `${what}: third run`);
  }
  const left = await findLeftovers(project);
  assert.equal({ data: left.data, temp: left.temp.filter(isNotEmptyPlan), recorded: left.recorded }, { data: [], temp: [], recorded: [] }, what);
}

/** A process that dies while it plans leaves an empty folder that nobody knew of; it goes a day later. */
function isNotEmptyPlan(path: string): boolean {
  return !/\/tmp\/(run|plan)-[^/]+\/(spill\/)?$/.test(path);
}
