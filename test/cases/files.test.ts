import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject, JsonValue } from '../../src/core/spi/index.js';
import { TestProject } from '../engine/project.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: JsonValue;
  readonly expected: JsonValue;
}

const cases = JSON.parse(readFileSync(new URL('embulk-cases.json', import.meta.url), 'utf8')) as readonly Case[];

async function withProject(work: (project: TestProject) => Promise<void>): Promise<void> {
  const project = new TestProject();
  try {
    await work(project);
  } finally {
    project.remove();
  }
}

async function ask<T>(project: TestProject, args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await project.sluice(args);
  assert.is(code, 0, stderr);
  return JSON.parse(stdout.split('\n')[0] ?? '') as T;
}

const listing = cases.filter(({ area }) => area === 'file_input');
for (const { name, config, input, expected } of listing) {
  test(`file_input ${name}`, () =>
    withProject(async (project) => {
      project.write('sluice.yml', '');
      for (const file of input as readonly string[]) project.write(`data/${file}`, '{}');
      const section = JSON.parse(JSON.stringify(config).replaceAll('<root>', 'data')) as JsonObject;
      const pipeline = { in: { type: 'file', parser: { type: 'json' }, ...section }, out: { type: 'warehouse', table: 't.x' } };
      project.write('p.yml', JSON.stringify(pipeline));
      const { files } = await ask<{ files: readonly string[] }>(project, ['check', 'p.yml', '--json']);
      assert.equal([...files].sort(), (expected as readonly string[]).map((file) => `data/${file}`).sort());
    }));
}

const previews = cases.filter(({ area }) => area === 'preview');
for (const { name, config, input, expected } of previews) {
  test(`preview ${name}`, () =>
    withProject(async (project) => {
      project.write('sluice.yml', '');
      project.write('a.csv', input as string);
      const given = config['columns'] as readonly (string | JsonObject)[];
      const columns = given.map((column, i): JsonObject => ({ name: `c${i}`, ...(typeof column === 'string' ? { type: column } : column) }));
      project.write('p.yml', JSON.stringify({ in: { type: 'csv', path_prefix: 'a', ...config, columns } }));
      const { rows } = await ask<{ rows: readonly JsonObject[] }>(project, ['preview', 'p.yml', '--json']);
      const values = rows.map((row) =>
        columns.map((column) =>
          column['type'] === 'timestamp'
            ? new Date(String(row[column['name'] as string])).toISOString().replace('.000Z', 'Z')
            : row[column['name'] as string],
        ),
      );
      assert.equal(values, expected);
    }));
}

test('there are cases', () => {
  assert.equal([listing.length, previews.length], [2, 1]);
});

test.run();
