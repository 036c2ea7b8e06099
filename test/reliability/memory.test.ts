import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import { assertFails, assertRows, csvRows, loadConfig } from './load-project.js';
import { runProgram } from './program.js';
import { makeProject, report } from './project.js';

const ROWS = 600_000;

const CASES: readonly (readonly [string, JsonObject])[] = [
  ['many partitions', { out: { type: 'warehouse', table: 'shop.t', partition_by: ['bucket(500, id)'] } }],
  ['a sort of all rows', { filters: [{ type: 'sql', query: 'SELECT id, repeat(name, 20) || id AS name FROM input ORDER BY md5(name)' }] }],
  ['an aggregate that cannot spill', { filters: [{ type: 'sql', query: "SELECT id, string_agg(name, ',') OVER () AS name FROM input" }] }],
];

for (const [name, more] of CASES) {
  test(`little memory, ${name}: the right rows, or OUT_OF_MEMORY and nothing`, async () => {
    const project = await makeProject();
    try {
      await project.write('data/a.csv', csvRows(0, ROWS));
      await project.pipeline('load', loadConfig({ ...more, exec: { memory_limit: '100MB', max_threads: 2 } }));
      const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'] });
      if (end.code === 0) await assertRows(project, ROWS);
      else {
        assertFails(end, { exit: 4, code: 'OUT_OF_MEMORY', message: /memory/i, hint: /exec\.memory_limit/ });
        assert.match((await project.sluice(['query', 'SELECT * FROM shop.t'])).stderr, /error TABLE_MISSING/);
      }
      report(`${name}: ${end.code === 0 ? 'right' : 'OUT_OF_MEMORY'}`);
    } finally {
      await project.remove();
    }
  });
}

test.run();
