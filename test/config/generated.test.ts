import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileSchema, validateSection } from '../../src/core/config/index.js';
import { createRegistry } from '../../src/core/registry/index.js';
import type { JsonObject } from '../../src/core/spi/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import { loadPlugins } from '../../scripts/generate/plugins.js';
import type { DocumentedPlugin } from '../../scripts/generate/plugins.js';
import { withFolder } from './project-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const plugins = await loadPlugins(createRegistry({ builtins: BUILTIN_PLUGINS }), BUILTIN_PLUGINS);
const editor = (name: string) =>
  new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(readFileSync(`${root}configs/schema/${name}.schema.json`, 'utf8')) as JsonObject);

test('every plugin has a schema that compiles, with a description for every key, and examples', async () => {
  for (const plugin of plugins) {
    const name = `${plugin.kind} ${plugin.type}`;
    await compileSchema(plugin.schema);
    for (const [key, property] of Object.entries(
      (plugin.schema['properties'] ?? {}) as { [key: string]: { description?: string; $ref?: string; const?: string } },
    )) {
      assert.ok(
        typeof property.description === 'string' || property.$ref !== undefined || property.const !== undefined,
        `${name}: ${key} has no description`,
      );
    }
    assert.ok(plugin.examples.length > 0 || plugin.kind === 'guess', `${name} has no example`);
  }
});

test('every example is valid for its plugin and for the editor schema', async () => {
  const validate = editor('pipeline');
  for (const plugin of plugins) {
    for (const { title, config } of plugin.examples) {
      const name = `${plugin.kind} ${plugin.type}: ${title}`;
      const { parser, decoders, formatter, encoders, ...own } = config;
      const files = plugin.form === 'files' || plugin.takesFormat !== undefined;
      const wantsType = Object.hasOwn((plugin.schema['properties'] ?? {}) as object, 'type');
      const { type: _type, ...rest } = files ? own : config;
      const env = new Proxy({}, { get: () => 'x', getOwnPropertyDescriptor: () => ({ value: 'x', configurable: true, enumerable: true }) });
      const scope = {
        env,
        root,
        commands: () => false,
        tokens: { exact: () => undefined, within: () => [], replace: (text: string) => text },
        scheduledTime: '2026-01-01',
        locate: () => ({}),
      };
      const { problems } = await validateSection(wantsType ? { type: plugin.type, ...rest } : rest, plugin.schema, scope);
      assert.equal(
        problems.map((problem) => problem.message),
        [],
        name,
      );
      assert.ok(validate(placeInPipeline(plugin, { type: plugin.type, ...config })), `${name}: ${JSON.stringify(validate.errors)}`);
    }
  }
});

test('the editor schema knows the short form, lists of pipelines, references and wrong keys', () => {
  const validate = editor('pipeline');
  const out = { type: 'warehouse', table: 'shop.orders' };
  const short = { type: 'csv', path_prefix: './a', columns: [{ name: 'id', type: 'long' }] };
  for (const good of [
    { in: short, out },
    { pipelines: [{ name: 'a', in: short, out }] },
    { in: short, out, exec: { max_threads: { env: 'THREADS' }, max_rejects: '1%' } },
    { in: { type: 'from_elsewhere', anything: 1 }, out },
    { in: { connection: 'shop', table: 'orders' }, out: { connection: 'dwh', table: 'orders', mode: 'append' } },
    { in: short, out: [{ ...out, where: 'id > 1' }, { type: 'null' }], unmatched: 'drop' },
    { in: short, out, checks: [{ type: 'unique', columns: ['id'], severity: 'warn' }] },
  ]) {
    assert.ok(validate(good), JSON.stringify(validate.errors));
  }
  for (const bad of [
    { in: { ...short, delimeter: ';' }, out },
    { in: short, out: { ...out, tabel: 1 } },
    { in: short, out, exec: { max_threads: '2' } },
    { pipelines: [{ in: short, out }] },
    { in: short, out, filter: [] },
    { in: short, out: [] },
    { in: short, out: [out, { type: 'warehouse', tabel: 1 }] },
    { in: short, out, checks: [{ type: 'unique' }] },
    { in: short, out, checks: [{ type: 'uniqe', columns: ['id'] }] },
  ]) {
    assert.not.ok(validate(bad), JSON.stringify(bad));
  }
});

test('the editor schema of sluice.yml', () => {
  const validate = editor('sluice');
  assert.ok(
    validate({ name: 'x', metastore: { type: 'postgresql', url: { env: 'URL' }, password: { command: 'pass' } }, exec: { max_threads: 2 } }),
    JSON.stringify(validate.errors),
  );
  assert.not.ok(validate({ metastore: { type: 'postgresql', path: 'a' } }));
  assert.not.ok(validate({ metastor: {} }));
});

test('--check names stale files and the command that mends them', async () => {
  await withFolder({ 'configs/schema/old.schema.json': '{}' }, (folder) => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', 'scripts/generate.ts', '--root', folder, ...args], { cwd: root, encoding: 'utf8' });
    assert.is(run().status, 0);
    const fresh = run('--check');
    assert.equal([fresh.status, fresh.stderr], [0, '']);
    appendFileSync(`${folder}/docs/reference/config.md`, 'by hand');
    writeFileSync(`${folder}/docs/reference/plugins/filter-gone.md`, '');
    const { status, stderr } = run('--check');
    assert.is(status, 1);
    assert.equal(stderr.trim().split('\n'), [
      'stale: docs/reference/config.md',
      'no longer generated: docs/reference/plugins/filter-gone.md',
      'run: node --import tsx scripts/generate.ts',
    ]);
    return Promise.resolve();
  });
});

function placeInPipeline(plugin: DocumentedPlugin, section: JsonObject): JsonObject {
  const files = { type: 'file', path_prefix: './a', parser: { type: 'json' } };
  const out = { type: 'warehouse', table: 'shop.orders' };
  if (plugin.kind === 'input') return { in: plugin.form === 'files' ? { parser: { type: 'json' }, ...section } : section, out };
  if (plugin.kind === 'parser') return { in: { ...files, parser: section }, out };
  if (plugin.kind === 'decoder') return { in: { ...files, decoders: [section] }, out };
  if (plugin.kind === 'filter') return { in: files, filters: [section], out };
  const written = { type: 'file', path_prefix: './out/', formatter: 'csv' };
  if (plugin.kind === 'formatter') return { in: files, out: { ...written, formatter: section } };
  if (plugin.kind === 'encoder') return { in: files, out: { ...written, encoders: [section] } };
  return { in: files, out: plugin.kind === 'output' ? section : out };
}

test.run();
