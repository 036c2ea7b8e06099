import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const program = fileURLToPath(new URL('./sluice-program.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx'));

test('standard input is loaded at every run: it has no state', async () => {
  const project = new TestProject();
  try {
    project.write(
      'pipe.yml',
      'in: {type: file, paths: ["-"], parser: {type: csv, columns: [{name: id, type: long}]}}\nout: {type: warehouse, table: shop.piped}\n',
    );
    for (const input of ['1\n2\n', '1\n2\n', '3\n']) {
      const run = spawnSync(process.execPath, ['--import', tsx, program, 'run', 'pipe.yml'], { cwd: project.folder, input, encoding: 'utf8' });
      assert.is(run.status, 0, run.stderr);
    }
    assert.equal(await project.query('SELECT id, count(*) AS n FROM shop.piped GROUP BY id ORDER BY id'), [
      { id: 1, n: 2 },
      { id: 2, n: 2 },
      { id: 3, n: 1 },
    ]);
  } finally {
    project.remove();
  }
});

test.run();
