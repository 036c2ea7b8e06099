import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../engine/project.js';

/** The scaffolds as their users meet them: made by the command, run by the built package that stands in node_modules. */
const test = suite('sluice new');
const repository = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

async function inProject(work: (project: TestProject) => Promise<void>): Promise<void> {
  const project = new TestProject();
  try {
    mkdirSync(join(project.folder, 'node_modules'));
    symlinkSync(repository, join(project.folder, 'node_modules/sluice'));
    await work(project);
  } finally {
    project.remove();
  }
}

/** The pipeline that the README shows. */
function pipelineOf(folder: string): string {
  const [, , pipeline] = [...readFileSync(join(folder, 'README.md'), 'utf8').split('```yaml\n')];
  return pipeline?.split('```')[0] ?? '';
}

const ROWS: Readonly<Record<string, readonly string[]>> = {
  input: [
    '{"id":1,"at":"2026-01-01 00:00:00+00","note":null}',
    '{"id":2,"at":"2026-01-01 00:00:00+00","note":"even"}',
    '{"id":3,"at":"2026-01-01 00:00:00+00","note":null}',
  ],
  filter: ['{"id":1,"name":"ann"}', '{"id":2,"name":null}'],
  parser: ['{"id":1,"name":"ann"}', '{"id":2,"name":null}'],
};

for (const [kind, rows] of Object.entries(ROWS)) {
  test(`a new ${kind} keeps its contract and runs in a pipeline`, () =>
    inProject(async (project) => {
      const made = await project.sluice(['new', kind, 'my-first']);
      assert.is(made.code, 0, made.stderr);
      const folder = join(project.folder, 'sluice-plugin-my-first');
      assert.equal(readdirSync(folder).sort(), ['README.md', 'index.js', 'index.test.js', 'package.json']);
      await run(process.execPath, ['--test'], { cwd: folder });
      project.write('sluice.yml', 'plugins: [./sluice-plugin-my-first/index.js]\n');
      project.write('data/my_first.txt', '1|ann\n2|\n');
      project.write('p.yml', pipelineOf(folder));
      const bin = join(repository, 'bin/sluice.cjs');
      await run(process.execPath, [bin, 'run', 'p.yml'], { cwd: project.folder });
      const query = ['query', 'SELECT * FROM demo.my_first ORDER BY id', '--format', 'jsonl'];
      const { stdout } = await run(process.execPath, [bin, ...query], { cwd: project.folder });
      assert.equal(stdout.trimEnd().split('\n'), rows);
    }));
}

test('an existing folder is kept, unless forced; --dir says where', () =>
  inProject(async (project) => {
    assert.is((await project.sluice(['new', 'input', 'crm', '--dir', 'plugins'])).code, 0);
    const index = 'plugins/sluice-plugin-crm/index.js';
    project.write(index, 'mine');
    const again = await project.sluice(['new', 'input', 'crm', '--dir', 'plugins']);
    assert.is(again.code, 2);
    assert.match(again.stderr, /exists[\s\S]*--force/);
    assert.is(readFileSync(join(project.folder, index), 'utf8'), 'mine');
    assert.is((await project.sluice(['new', 'input', 'crm', '--dir', 'plugins', '--force'])).code, 0);
    assert.match(readFileSync(join(project.folder, index), 'utf8'), /type: 'crm'/);
  }));

const WRONG: readonly [args: string[], message: RegExp][] = [
  [['output', 'x'], /expected input, filter, parser, found output/],
  [['imput', 'x'], /did you mean "input"/],
  [['input', '../x'], /NAME: expected a word of a-z, 0-9, - and _, found "\.\.\/x"/],
  [['parser', 'csv'], /there is a built-in parser named csv/],
  [['filter'], /NAME|argument/],
];
for (const [args, message] of WRONG) {
  test(`refuses sluice new ${args.join(' ')}`, () =>
    inProject(async (project) => {
      const { code, stderr } = await project.sluice(['new', ...args]);
      assert.is(code, 2);
      assert.match(stderr, message);
      assert.equal(readdirSync(project.folder), ['node_modules']);
    }));
}

test.run();
