import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { TestProject } from '../engine/project.js';

/** Every config in configs/ runs as it stands; `--update` (SLUICE_UPDATE=1) writes the expected rows anew. */
const folder = fileURLToPath(new URL('../../configs/', import.meta.url));
const expectedFolder = fileURLToPath(new URL('./expected/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
const test = suite('configs');

test('there is a config for every input, filter and output', () => {
  const text = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  for (const { kind, type } of BUILTIN_PLUGINS) {
    if (kind !== 'input' && kind !== 'filter' && kind !== 'output') continue;
    assert.ok(new RegExp(`type: ${type}\\b`).test(text), `no config in configs/ uses ${kind} ${type}`);
  }
});

for (const name of names) {
  test(`configs/${name}`, async () => {
    const project = new TestProject();
    try {
      cpSync(folder, project.folder, { recursive: true });
      const summary = await project.run(name);
      assert.is(summary.status, 'committed');
      assert.is(summary.read + summary.added, summary.written + summary.filtered + summary.rejected);
      const rows = await project.query(`SELECT * FROM ${summary.target} ORDER BY ALL`);
      const actual = `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
      const expected = join(expectedFolder, name.replace(/\.yml$/, '.jsonl'));
      if (process.env['SLUICE_UPDATE'] === '1') writeFileSync(expected, actual);
      assert.is(actual, readFileSync(expected, 'utf8'));
    } finally {
      project.remove();
    }
  });
}

test.run();
