import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRegistry } from '../../src/core/registry/index.js';
import { ConfigError } from '../../src/core/spi/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { withFolder } from '../config/project-folder.js';

const FILTER = (type: string, more = ''): string =>
  `{ kind: 'filter', type: '${type}', summary: 'x', stability: 'beta', examples: [], schema: { type: 'object', additionalProperties: false, properties: {} }, plan() {}, ${more} }`;

async function errorOf(work: Promise<unknown>): Promise<ConfigError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('expected a ConfigError');
}

/** A registry of a project with these files whose sluice.yml lists these plugins. */
function withProject<T>(
  plugins: readonly string[],
  files: { [path: string]: string },
  use: (registry: ReturnType<typeof createRegistry>) => Promise<T>,
): Promise<T> {
  return withFolder(files, (root) => use(createRegistry({ builtins: BUILTIN_PLUGINS, project: { root, plugins } })));
}

test('every folder of a plugin is listed, under its own kind and type', async () => {
  const folder = fileURLToPath(new URL('../../src/plugins/', import.meta.url));
  const folders = readdirSync(folder).filter((name) => existsSync(`${folder}${name}/index.ts`));
  const listed = BUILTIN_PLUGINS.map(({ kind, type }) => `${kind}-${type.replaceAll('_', '-')}`);
  assert.equal([...listed].sort(), folders.sort());
  for (const { kind, type, load } of BUILTIN_PLUGINS) {
    const plugin = (await load()).default as { kind: string; type: string };
    assert.equal([plugin.kind, plugin.type], [kind, type]);
  }
});

test('finds by kind and type, and imports nothing else', async () => {
  const loaded: string[] = [];
  const entry = (type: string) => ({
    kind: 'filter' as const,
    type,
    load: async () => {
      loaded.push(type);
      const module = (await import(`data:text/javascript,export default ${FILTER(type)}`)) as { default: unknown };
      return module;
    },
  });
  const registry = createRegistry({ builtins: [entry('aaa'), entry('bbb')] });
  assert.equal(await registry.types('filter'), ['aaa', 'bbb']);
  assert.equal(loaded, []);
  assert.is((await registry.find('filter', 'bbb'))?.type, 'bbb');
  await registry.get('filter', 'bbb');
  assert.equal(loaded, ['bbb']);
  assert.is(await registry.find('parser', 'bbb'), undefined);
  assert.equal(
    (await registry.all('filter')).map((plugin) => plugin.type),
    ['aaa', 'bbb'],
  );
});

test('an unknown type names the nearest and all known ones', async () => {
  const error = await errorOf(createRegistry({ builtins: BUILTIN_PLUGINS }).get('parser', 'cvs'));
  assert.is(error.code, 'UNKNOWN_PLUGIN');
  assert.is(error.message, 'unknown parser type "cvs", did you mean "csv"?');
  assert.match(error.hint ?? '', /known parser types: .*csv.*json.*plugins: in sluice\.yml/);
});

test('plugins of the project: a path, a package, a package for import alone, several in one module', async () => {
  const files = {
    'plugins/one.mjs': `export default ${FILTER('one')};`,
    'plugins/several.mjs': `export default [${FILTER('two')}, ${FILTER('three')}];`,
    'node_modules/sluice-plugin-four/package.json': '{"name": "sluice-plugin-four", "type": "module", "main": "main.js"}',
    'node_modules/sluice-plugin-four/main.js': `export default ${FILTER('four')};`,
    'node_modules/@me/sluice-plugin-five/package.json':
      '{"name": "@me/sluice-plugin-five", "type": "module", "exports": {".": {"import": "./main.js"}}}',
    'node_modules/@me/sluice-plugin-five/main.js': `export default ${FILTER('five')};`,
    'node_modules/sluice-plugin-unlisted/package.json': '{"name": "sluice-plugin-unlisted", "type": "module", "main": "main.js"}',
    'node_modules/sluice-plugin-unlisted/main.js': 'throw new Error("imported although nobody listed it");',
  };
  await withProject(['./plugins/one.mjs', './plugins/several.mjs', 'sluice-plugin-four', '@me/sluice-plugin-five'], files, async (registry) => {
    for (const type of ['one', 'two', 'three', 'four', 'five']) assert.is((await registry.get('filter', type)).type, type);
    assert.is(await registry.find('filter', 'unlisted'), undefined);
  });
});

test('what a listed plugin may do wrong', async () => {
  const cases: readonly { plugins: readonly string[]; files: { [path: string]: string }; code: string; message: string | RegExp; hint: string }[] = [
    { plugins: ['left-pad'], files: {}, code: 'PLUGIN_NAME', message: 'found "left-pad"', hint: 'plugins: in sluice.yml' },
    { plugins: ['sluice-plugin-none'], files: {}, code: 'PLUGIN_LOAD', message: 'is not installed in', hint: 'npm install sluice-plugin-none' },
    { plugins: ['./none.mjs'], files: {}, code: 'PLUGIN_LOAD', message: 'loading the plugin ./none.mjs', hint: 'check the path' },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': 'throw new Error("oops")' },
      code: 'PLUGIN_LOAD',
      message: 'loading the plugin ./a.mjs: oops',
      hint: 'fix the plugin',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': 'export const x = 1' },
      code: 'PLUGIN_INVALID',
      message: 'the plugin ./a.mjs does not declare a plugin: expected an object',
      hint: 'defineInput',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': `export default ${FILTER('A-b', 'plan: 1')}` },
      code: 'PLUGIN_INVALID',
      message: 'type: expected a word',
      hint: 'defineInput',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': `export default ${FILTER('a', 'plan: 1')}` },
      code: 'PLUGIN_INVALID',
      message: 'plan: expected a function',
      hint: 'defineInput',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': `export default ${FILTER('a', "kind: 'input'")}` },
      code: 'PLUGIN_INVALID',
      message: /form .*open: expected|open.*form/,
      hint: 'defineInput',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': `export default ${FILTER('a', "schema: { type: 'object' }")}` },
      code: 'PLUGIN_INVALID',
      message: 'schema: expected',
      hint: 'defineInput',
    },
    {
      plugins: ['./a.mjs'],
      files: { 'a.mjs': `export default ${FILTER('rename')}` },
      code: 'PLUGIN_CLASH',
      message: 'declares the filter rename, which is a built-in plugin',
      hint: 'remove one',
    },
    {
      plugins: ['./a.mjs', './b.mjs'],
      files: { 'a.mjs': `export default ${FILTER('a')}`, 'b.mjs': `export default ${FILTER('a')}` },
      code: 'PLUGIN_CLASH',
      message: 'declared by ./a.mjs',
      hint: 'remove one',
    },
  ];
  for (const { plugins, files, code, message, hint } of cases) {
    await withProject(plugins, files, async (registry) => {
      const error = await errorOf(registry.get('filter', 'unknown'));
      assert.is(error.code, code, error.message);
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
    });
  }
});

test.run();
