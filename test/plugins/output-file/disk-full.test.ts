import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';
import { mountSmallDisk } from '../../reliability/small-disk.js';

const probe = mountSmallDisk(1);
probe?.remove();
// Only who may mount can make a disk that is really full.
const testOnDisk = probe === undefined ? test.skip : test;

for (const encoders of ['[]', '[{type: gzip, level: 0}]']) {
  testOnDisk(`a full disk says so and shows no file, encoders ${encoders}`, async () => {
    const disk = mountSmallDisk(1);
    const project = new TestProject();
    try {
      project.write('in.csv', Array.from({ length: 200_000 }, (_, i) => `${i},row ${i}\n`).join(''));
      project.write(
        'p.yml',
        `in: {type: file, path_prefix: in.csv, parser: {type: csv, columns: [{name: id, type: long}, {name: name, type: string}]}}
out: {type: file, path_prefix: ${disk?.folder}/out/x_, formatter: csv, encoders: ${encoders}}
exec: {retry: {limit: 0}}
`,
      );
      const outcome = await project.sluice(['run', 'p.yml']);
      assert.is(outcome.code, 4, outcome.stderr);
      assert.match(outcome.stderr, /DISK_FULL|No space left|ENOSPC/);
      assert.match(outcome.stderr, /free (disk )?space/);
      const out = join(disk?.folder ?? '', 'out');
      const files = existsSync(out) ? readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : [];
      assert.equal(
        files.map((entry) => entry.name),
        [],
      );
    } finally {
      project.remove();
      disk?.remove();
    }
  });
}

test.run();
