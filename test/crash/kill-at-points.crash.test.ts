import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runProgram } from '../reliability/program.js';
import { FULL, report, type Project } from '../reliability/project.js';
import { makeScenario, SCENARIOS, WAREHOUSE_POINTS, type Scenario } from './scenarios.js';
import { assertRecovers } from './verify.js';

const seen = new Set<string>();
let kills = 0;

/** Points of one undisturbed round, each with how often it is reached. */
async function tracePoints(project: Project, scenario: Scenario, round: number): Promise<Map<string, number>> {
  await scenario.addFiles(project, round);
  const trace = join(project.root, `trace-${round}`);
  const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], trace });
  assert.is(end.code, 0, end.stderr);
  const counts = new Map<string, number>();
  for (const point of (await readFile(trace, 'utf8')).trim().split('\n')) counts.set(point, (counts.get(point) ?? 0) + 1);
  return counts;
}

async function killAt(project: Project, point: string, occurrence: number): Promise<void> {
  const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], kill: { point, occurrence } });
  assert.is(end.signal, 'SIGKILL', `${point} ${occurrence}: exit ${end.code}\n${end.stderr}`);
  seen.add(point);
  kills++;
}

/** All in the full rounds; else the last of each point in the first scenario, and a third of the points in the others. */
function choose(counts: ReadonlyMap<string, number>, index: number): { point: string; occurrence: number }[] {
  const all = [...counts].flatMap(([point, n]) => Array.from({ length: n }, (_, i) => ({ point, occurrence: i + 1, last: i + 1 === n })));
  if (FULL) return all;
  return all.filter(({ last, point }, i) => last && (index === 0 || point.startsWith('spool') || (i + index) % 4 === 0));
}

for (const [index, scenario] of SCENARIOS.entries()) {
  test(`kill -9 at the points of a run: ${scenario.name}`, async () => {
    const project = await makeScenario(scenario);
    try {
      const chosen = choose(await tracePoints(project, scenario, 0), index);
      for (const [i, { point, occurrence }] of chosen.entries()) {
        await scenario.addFiles(project, i + 1);
        await killAt(project, point, occurrence);
        await assertRecovers(project, scenario, i + 1, `${scenario.name}, ${point} ${occurrence}`);
      }
    } finally {
      await project.remove();
    }
  });
}

test('kill -9 at the points of the first run, which makes the table', async () => {
  const scenario = SCENARIOS[0] as Scenario;
  for (const [i, point] of WAREHOUSE_POINTS.entries()) {
    if (point === 'spool.segment_written' || (!FULL && i % 4 !== 0)) continue;
    const project = await makeScenario(scenario);
    try {
      await scenario.addFiles(project, 0);
      await killAt(project, point, 1);
      await assertRecovers(project, scenario, 0, `first run, ${point}`);
    } finally {
      await project.remove();
    }
  }
});

test('every point of the list was a place of death', () => {
  assert.equal([...seen].sort(), [...WAREHOUSE_POINTS].sort());
  report(`${seen.size} points, ${kills} kills`);
});

test.run();
