import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runProgram } from '../reliability/program.js';
import { FULL } from '../reliability/project.js';
import { makeScenario, type Scenario } from './scenarios.js';
import { assertRecovers } from './verify.js';

const ROWS = 20;

/** Each round replaces the second half of the round before and adds as many: files are rewritten, moved and removed. */
function fileOf(round: number): string {
  const from = (round * ROWS) / 2;
  const rows = Array.from({ length: ROWS }, (_, i) => `${from + i},round ${round},2026-01-0${1 + ((from + i + round) % 3)} 10:00:00`);
  return `id,name,at\n${rows.join('\n')}\n`;
}

const merge: Scenario = {
  name: 'merge',
  config: {
    in: {
      type: 'file',
      paths: ['data/*'],
      parser: {
        type: 'csv',
        skip_header_lines: 1,
        columns: [
          { name: 'id', type: 'long' },
          { name: 'name', type: 'string' },
          { name: 'at', type: 'timestamp' },
        ],
      },
    },
    out: { type: 'warehouse', table: 'shop.t', time_column: 'at', mode: 'merge', merge_keys: ['id'] },
  },
  async addFiles(project, round) {
    await project.write(`data/${String(round).padStart(3, '0')}.csv`, fileOf(round));
  },
  expect: (round) => ({ ids: Array.from({ length: ((round + 2) * ROWS) / 2 }, (_, i) => i), rejected: 0 }),
  replaces: false,
};

test('kill -9 at the points of a merge: each key once, with its newest row', async () => {
  const project = await makeScenario(merge);
  try {
    await merge.addFiles(project, 0);
    const first = await project.sluice(['run', 'load.yml']);
    assert.is(first.code, 0, first.stderr);
    const trace = join(project.root, 'trace');
    await merge.addFiles(project, 1);
    assert.is((await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], trace })).code, 0);
    const points = [...new Set((await readFile(trace, 'utf8')).trim().split('\n'))].filter((p) => /^(commit|task\.report|cleanup)/.test(p));
    assert.ok(points.includes('commit.manifest_written') && points.includes('commit.pointer_swapped'), points.join());
    let round = 1;
    for (const point of points) {
      if (!FULL && !['commit.manifest_written', 'commit.pointer_swapped', 'commit.done'].includes(point)) continue;
      round++;
      await merge.addFiles(project, round);
      const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], kill: { point, occurrence: 1 } });
      assert.is(end.signal, 'SIGKILL', `${point}: exit ${end.code}\n${end.stderr}`);
      await assertRecovers(project, merge, round, point);
      const rows = await project.query(
        'SELECT count(*) AS n, count(DISTINCT id) AS ids, max(name) FILTER (id = (SELECT max(id) FROM shop.t)) AS newest FROM shop.t',
      );
      assert.equal([Number(rows[0]?.['n']), rows[0]?.['newest']], [Number(rows[0]?.['ids']), `round ${round}`], point);
    }
  } finally {
    await project.remove();
  }
});

test.run();
