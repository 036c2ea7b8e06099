import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Desk } from '../cli/desk.js';
import { DATA, FILE_CASES } from './file-cases.js';
import { deskWith, nativeValue, readFolder, signOf } from './lab.js';

const test = suite('configs of Embulk: files');
let desk: Desk;
test.before(() => {
  desk = deskWith(DATA);
});
test.after(() => desk.remove());

for (const [i, { name, config, expected }] of FILE_CASES.entries()) {
  test(name, async () => {
    // Half of them run as they are, the others converted; what is written is checked to mean the same.
    desk.write('embulk.yml', config);
    await desk.ok(['convert', 'embulk.yml', '-o', 'native.yml', '--force']);
    const written = readFileSync(join(desk.folder, 'native.yml'), 'utf8');
    assert.equal(parse(written), await nativeValue(config), 'the written config is the one that runs');
    assert.is(await signOf(written), undefined, 'what is written is no config of Embulk any more');
    for (const args of process.env['SLUICE_ROUNDS'] === 'full'
      ? [['embulk.yml', '--embulk'], ['native.yml']]
      : [i % 2 === 0 ? ['embulk.yml', '--embulk'] : ['native.yml']]) {
      const { stdout } = await desk.ok(['run', ...args]);
      if (typeof expected === 'string') assert.is(stdout, expected);
      else for (const [path, text] of Object.entries(expected)) assert.is(readFolder(join(desk.folder, 'out'))[path], text);
    }
  });
}

test.run();
