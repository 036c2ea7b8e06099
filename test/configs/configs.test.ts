import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { TestProject } from '../engine/project.js';

/** Every config in configs/ runs as it stands, those in configs/servers/ in the tests of their plugins; `--update` (SLUICE_UPDATE=1) writes the expected rows anew. */
const folder = fileURLToPath(new URL('../../configs/', import.meta.url));
const expectedFolder = fileURLToPath(new URL('./expected/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
const test = suite('configs');

test('there is a config for every input, filter and output', () => {
  const needServers = readdirSync(join(folder, 'servers')).map((name) => join('servers', name));
  const text = [...names, ...needServers].map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  for (const { kind, type } of BUILTIN_PLUGINS) {
    if (kind !== 'input' && kind !== 'filter' && kind !== 'output') continue;
    assert.ok(new RegExp(`type: ${type}\\b`).test(text), `no config in configs/ uses ${kind} ${type}`);
  }
});

/** What the target holds after a run: rows of a table, or the text of files. */
async function runAndRead(project: TestProject, name: string): Promise<string> {
  const summary = await project.run(name);
  assert.is(summary.status, 'committed');
  assert.is(summary.read + summary.added, summary.written + summary.filtered + summary.rejected);
  if (name === 'output-null.yml') return `${summary.written}\n`;
  if (name === 'output-file.yml') return readFiles(join(project.folder, 'out'), summary.run_id ?? '');
  const rows = await project.query(`SELECT * FROM ${summary.target} ORDER BY ALL`);
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}

function readFiles(base: string, runId: string): string {
  const names = (readdirSync(base, { recursive: true }) as string[]).filter((path) => path.endsWith('.csv')).sort();
  return names.map((path) => `${path.replace(runId, 'RUN')}\n${readFileSync(join(base, path), 'utf8')}`).join('');
}

for (const name of names) {
  test(`configs/${name}`, async () => {
    const project = new TestProject();
    try {
      cpSync(folder, project.folder, { recursive: true });
      const actual = name === 'output-stdout.yml' ? (await project.sluice(['run', name])).stdout : await runAndRead(project, name);
      const expected = join(expectedFolder, name.replace(/\.yml$/, '.jsonl'));
      if (process.env['SLUICE_UPDATE'] === '1') writeFileSync(expected, actual);
      assert.is(actual, readFileSync(expected, 'utf8'));
    } finally {
      project.remove();
    }
  });
}

test.run();
