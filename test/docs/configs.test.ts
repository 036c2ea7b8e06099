import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { findBlocks } from '../../scripts/markdown-blocks.js';
import { loadPipelineDocument, loadPipelines, loadProject, makeDocument } from '../../src/core/config/index.js';
import { createRegistry } from '../../src/core/registry/index.js';
import type { JsonObject } from '../../src/core/spi/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { readPages, ROOT } from './pages.js';

/** Any variable that a page uses is set. */
const env = new Proxy(
  {},
  {
    get: (_, name) => (typeof name === 'string' ? 'x' : undefined),
    has: () => true,
    getOwnPropertyDescriptor: () => ({ value: 'x', configurable: true, enumerable: true }),
  },
);

async function problemOf(yaml: string, place: string): Promise<string | undefined> {
  try {
    const project = await loadProject(join(ROOT, 'examples/quickstart'), { env: {}, cwd: ROOT });
    const registry = createRegistry({ builtins: BUILTIN_PLUGINS, project });
    await loadPipelineDocument(makeDocument(parse(yaml) as JsonObject, place), { registry, project, env, cwd: ROOT });
    return undefined;
  } catch (error) {
    return `${place}: ${(error as Error).message}`;
  }
}

/** A block with input and output, or with a list of pipelines, is a whole pipeline file; others show a part. */
const blocks = readPages().flatMap(({ path, text }) =>
  findBlocks(text)
    .filter(
      ({ language, lines }) =>
        language === 'yaml' &&
        (lines.some((l) => l.startsWith('pipelines:')) || (lines.some((l) => l.startsWith('in:')) && lines.some((l) => l.startsWith('out:')))),
    )
    // A seed is no pipeline yet.
    .filter(({ lines }) => !lines.some((l) => l.includes('seed.yml')))
    .map(({ line, lines }) => ({ place: `${path}:${line}`, yaml: lines.join('\n') })),
);

test('the pages show whole pipeline files', () => {
  assert.ok(blocks.length >= 4, `${blocks.length} found`);
});

test('every pipeline file that a page shows is valid', async () => {
  const problems = await Promise.all(blocks.map(({ place, yaml }) => problemOf(yaml, place)));
  assert.equal(
    problems.filter((problem) => problem !== undefined),
    [],
  );
});

test('a wrong key is found', async () => {
  assert.match(
    (await problemOf('in: {type: file, path_prefix: a, parser: {type: json}}\nout: {type: warehouse, tabel: a.b}', 'x.md:1')) ?? '',
    'tabel',
  );
});

test('every YAML block parses', () => {
  for (const { path, text } of readPages()) {
    for (const { language, line, lines } of findBlocks(text)) {
      if (language === 'yaml') assert.not.throws(() => void parse(lines.join('\n')), undefined, `${path}:${line}`);
    }
  }
});

test('every pipeline of the examples without plugins of its own is valid', async () => {
  const folder = join(ROOT, 'examples');
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'plugin');
  let checked = 0;
  for (const { name } of names) {
    const project = await loadProject(join(folder, name), { env: {}, cwd: ROOT });
    const registry = createRegistry({ builtins: BUILTIN_PLUGINS, project });
    const files = readdirSync(join(folder, name), { recursive: true }).map(String);
    for (const file of files.filter((f) => /^pipelines\/.*\.yml$/.test(f))) {
      await loadPipelines(join(folder, name, file), { registry, project, env: {}, cwd: ROOT });
      assert.match(readFileSync(join(folder, name, file), 'utf8'), /^# yaml-language-server: \$schema=/);
      checked++;
    }
  }
  assert.ok(checked >= 6);
});

test.run();
