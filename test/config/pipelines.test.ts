import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDrafts, loadPipelineDocument, loadPipelines, loadProject, loadSeed, makeDocument } from '../../src/core/config/index.js';
import { fixtureRegistry } from './fixture-plugins.js';
import { GOOD, load, problemsOf, withFolder } from './project-folder.js';

test('a pipeline with defaults filled and places kept', async () => {
  const [pipeline] = await load(
    { 'sluice.yml': '', 'pipelines/orders.yml': `${GOOD}exec: {max_rejects: 1.5%, memory_limit: 2GiB, min_output_tasks: 4}\n` },
    'pipelines/orders.yml',
  );
  assert.is(pipeline?.name, 'pipelines/orders');
  assert.equal(pipeline?.input.config, { path_prefix: './data/orders_', incremental: true });
  assert.equal(pipeline?.parser?.config, { type: 'csv', delimiter: ',', columns: [{ name: 'id', type: 'long' }] });
  assert.is(pipeline?.decoders, undefined);
  assert.equal(pipeline?.output.config, { table: 'shop.orders', mode: 'append' });
  assert.equal(pipeline?.exec.maxRejects, { unit: 'percent', limit: 1.5 });
  assert.is(pipeline?.exec.memoryLimitBytes, 2 ** 31);
  assert.equal(pipeline?.exec.notes, ['exec.min_output_tasks has no effect']);
  assert.is(pipeline?.previewSampleRows, 15);
  assert.equal(pipeline?.parser?.place.at('columns[0].type'), {
    file: 'pipelines/orders.yml',
    line: 7,
    column: 26,
    path: 'in.parser.columns[0].type',
  });
  assert.equal(pipeline?.parser?.place.at('columns[3].type').line, 7);
});

test('sizes', async () => {
  const bytes = async (size: string): Promise<number | undefined> =>
    (await load({ 'a.yml': `${GOOD}exec: {memory_limit: ${size}}\n` }, 'a.yml'))[0]?.exec.memoryLimitBytes;
  assert.equal(
    await Promise.all(['800MB', '1.5G', '512 mib', '400000000', '"400000000"', '64000kb'].map(bytes)),
    [800_000_000, 1_500_000_000, 536_870_912, 400_000_000, 400_000_000, 64_000_000],
  );
});

test('the short form is the long form', async () => {
  const short =
    'in:\n  type: csv\n  path_prefix: ./data/orders_\n  columns: [{name: id, type: long}]\n  decoders: [gzip]\nout: {type: warehouse, table: shop.orders}\n';
  const long = GOOD.replace('  parser:', '  decoders: [{type: gzip}]\n  parser:');
  const [a] = await load({ 'a.yml': short }, 'a.yml');
  const [b] = await load({ 'a.yml': long }, 'a.yml');
  assert.equal(a?.definition, b?.definition);
  assert.is(a?.hash, b?.hash);
  assert.equal(
    a?.decoders?.map((decoder) => decoder.plugin.type),
    ['gzip'],
  );
  assert.equal(a?.parser?.place.at('columns').line, 4);
});

test('the hash covers everything but exec, whatever the order of keys', async () => {
  const hash = async (text: string): Promise<string | undefined> => (await load({ 'a.yml': text }, 'a.yml'))[0]?.hash;
  const base = await hash(GOOD);
  assert.match(base ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.is(await hash(`exec: {max_threads: 3}\nname: other\n${GOOD}`), base);
  assert.is(await hash(GOOD.replace('  type: warehouse\n  table: shop.orders', '  table: shop.orders\n  type: warehouse')), base);
  assert.is.not(await hash(GOOD.replace('shop', 'shops')), base);
  assert.is.not(await hash(`${GOOD}filters: [{type: rename}]\n`), base);
});

test('several pipelines in one file', async () => {
  const entry = (name: string, exec = ''): string =>
    `  - name: ${name}\n    in: {type: csv, columns: [{name: id, type: long}]}\n    out: {type: warehouse, table: ${name}}\n${exec}`;
  const text = `exec: {max_threads: 3, max_rejects: 7}\npipelines:\n${entry('a')}${entry('b', '    exec: {max_rejects: 9}\n')}`;
  const pipelines = await load({ 'all.yml': text }, 'all.yml');
  assert.equal(
    pipelines.map(({ name, exec }) => [name, exec.maxThreads, exec.maxRejects.limit]),
    [
      ['a', 3, 7],
      ['b', 3, 9],
    ],
  );
  const [twice] = await problemsOf(() => load({ 'all.yml': `pipelines:\n${entry('a')}${entry('a')}` }, 'all.yml'));
  assert.is(twice?.message, 'all.yml:5:5 pipelines[1].name: expected a name of its own, found "a" twice');
  const [nameless] = await problemsOf(() =>
    load({ 'all.yml': 'pipelines:\n  - {in: {type: csv, columns: [{name: id, type: long}]}, out: {type: warehouse, table: a}}\n' }, 'all.yml'),
  );
  assert.is(nameless?.code, 'CONFIG_MISSING_KEY');
  assert.match(nameless?.message ?? '', 'pipelines[0].name');
  const [mixed] = await problemsOf(() => load({ 'all.yml': `pipelines:\n${entry('a')}in: {}\n` }, 'all.yml'));
  assert.is(mixed?.code, 'CONFIG_UNKNOWN_KEY');
});

test('who wins: command line, pipeline, sluice.yml; errors name the owner', async () => {
  const files = {
    'sluice.yml': 'exec: {max_threads: 3, max_rejects: 1}\ndefaults: {out: {warehouse: {mode: replace}}}\n',
    'a.yml': `${GOOD}exec: {max_rejects: 2}\n`,
  };
  const [pipeline] = await load(files, 'a.yml', { overrides: { exec: { temp_dir: '/t' } } });
  assert.equal(
    [pipeline?.exec.maxThreads, pipeline?.exec.maxRejects.limit, pipeline?.exec.tempDir, pipeline?.output.config['mode']],
    [3, 2, '/t', 'replace'],
  );
  const [own] = await load({ ...files, 'a.yml': `${GOOD}  mode: append\n` }, 'a.yml', { overrides: { exec: { max_rejects: 5 } } });
  assert.equal([own?.exec.maxRejects.limit, own?.output.config['mode']], [5, 'append']);
  const [bad] = await problemsOf(() => load({ ...files, 'sluice.yml': 'defaults:\n  out:\n    warehouse: {mde: replace}\n' }, 'a.yml'));
  assert.is(bad?.message, 'sluice.yml:3:17 defaults.out.warehouse.mde: unknown key "mde", did you mean "mode"?');
  const [line] = await problemsOf(() => load(files, 'a.yml', { overrides: { exec: { max_rejects: -1 } } }));
  assert.is(line?.message, 'exec.max_rejects: expected a number >= 0, found -1');
});

test('numbers that JavaScript cannot hold keep their text; YAML 1.2 words stay text', async () => {
  const text = `${GOOD}filters: [{type: remove_columns, keep: [9223372036854775807, 0.1, 12345678901234567.25, yes, 2026-01-02, 0x10, 1e3, ~]}]\n`;
  const [pipeline] = await load({ 'a.yml': text }, 'a.yml');
  assert.equal(pipeline?.filters[0]?.config['keep'], ['9223372036854775807', 0.1, '12345678901234567.25', 'yes', '2026-01-02', 16, 1000, null]);
});

test('a draft needs no out', async () => {
  await withFolder({ 'a.yml': GOOD.slice(0, GOOD.indexOf('out:')) }, async (folder) => {
    const [draft] = await loadDrafts(join(folder, 'a.yml'), { registry: fixtureRegistry(), cwd: folder, env: {} });
    assert.is(draft?.output, undefined);
    assert.is(draft?.parser?.plugin.type, 'csv');
  });
});

test('a seed: only the input is judged, the rest comes back as it was written', async () => {
  const files = {
    'a.yml.liquid': 'in:\n  type: csv\n  path_prefix: ./a\n  delimiter: {env: X}\n  note: {{ env.API_TOKEN }}\n',
    'b.yml': 'in: {type: file, path_prefx: ./a}\n',
    'c.yml': 'out: {}\n',
  };
  await withFolder(files, async (folder) => {
    const options = { registry: fixtureRegistry(), cwd: folder, env: { API_TOKEN: 'canary' } };
    const seed = await loadSeed(join(folder, 'a.yml.liquid'), options);
    assert.equal(seed.inSection, { type: 'file', path_prefix: './a', parser: { type: 'csv', delimiter: { env: 'X' }, note: { env: 'API_TOKEN' } } });
    assert.equal(seed.input.config, { path_prefix: './a', incremental: true });
    assert.is(seed.exec.guessSampleBufferBytes, 1_048_576);
    const [unknown] = await problemsOf(() => loadSeed(join(folder, 'b.yml'), options));
    assert.is(unknown?.message, 'b.yml:1:18 in.path_prefx: unknown key "path_prefx", did you mean "path_prefix"?');
    const [missing] = await problemsOf(() => loadSeed(join(folder, 'c.yml'), options));
    assert.is(missing?.code, 'CONFIG_MISSING_KEY');
    assert.match(missing?.hint ?? '', 'path_prefix');
  });
});

test('a config that a command built', async () => {
  await withFolder({}, async (folder) => {
    const project = await loadProject(folder, { cwd: folder, env: {} });
    const value = {
      name: 'load:shop.orders',
      in: { type: 'csv', columns: [{ name: 'a', type: 'long' }] },
      out: { type: 'warehouse', table: 'shop.orders' },
    };
    const [pipeline] = await loadPipelineDocument(makeDocument(value, 'sluice load'), { registry: fixtureRegistry(), project, env: {} });
    assert.is(pipeline?.name, 'load:shop.orders');
    const [problem] = await problemsOf(() =>
      loadPipelineDocument(makeDocument({ ...value, out: { type: 'warehouse' } }, 'sluice load'), { registry: fixtureRegistry(), project, env: {} }),
    );
    assert.is(problem?.message, 'sluice load out.table: expected the key "table", which is missing');
  });
});

test('project root: the nearest parent with sluice.yml or .sluice, else the working folder, else the folder of the file', async () => {
  await withFolder({ 'sluice.yml': 'name: shop\n', 'p/q/a.yml': GOOD, 'inner/a.yml': GOOD }, async (folder) => {
    mkdirSync(join(folder, 'inner/.sluice'));
    const rootOf = async (file: string, cwd: string): Promise<readonly unknown[]> => {
      const { root, isNew, name } = await loadProject(join(folder, file), { cwd, env: {} });
      return [root, isNew, name];
    };
    assert.equal(await rootOf('p/q/a.yml', folder), [folder, false, 'shop']);
    assert.equal(await rootOf('inner/a.yml', folder), [join(folder, 'inner'), false, 'inner']);
    const [pipeline] = await loadPipelines(join(folder, 'p/q/a.yml'), { registry: fixtureRegistry(), cwd: '/', env: {} });
    assert.is(pipeline?.name, 'p/q/a');
  });
  await withFolder({ 'p/a.yml': GOOD }, async (folder) => {
    assert.equal((await loadProject(join(folder, 'p/a.yml'), { cwd: folder, env: {} })).root, folder);
    assert.equal((await loadProject(join(folder, 'p/a.yml'), { cwd: join(folder, 'p'), env: {} })).root, join(folder, 'p'));
    const outside = await loadProject(join(folder, 'p/a.yml'), { cwd: '/usr', env: {} });
    assert.equal([outside.root, outside.isNew], [join(folder, 'p'), true]);
  });
});

test('sluice.yml: defaults and errors', async () => {
  const project = (text: string) =>
    withFolder({ 'sluice.yml': text }, async (folder) => ({ folder, project: await loadProject(folder, { cwd: folder, env: { PORT: '6000' } }) }));
  const { folder, project: plain } = await project('');
  assert.equal(plain.metastore, { type: 'sqlite', path: join(folder, '.sluice/metastore.db') });
  assert.is(plain.storage.uri, `file://${folder}/.sluice/warehouse`);
  assert.equal(plain.maintain, { automatic: true, snapshotDays: 5, minSnapshots: 100, maxSnapshots: 500 });
  assert.equal([plain.catalog, plain.plugins], ['sluice', []]);
  const other = await project('storage: {root: file:///data/lake/}\nmetastore: {type: postgresql, database: d, port: {env: PORT}}\n');
  assert.is(other.project.storage.uri, 'file:///data/lake');
  const { project: odd, folder: root } = await project('storage: {root: "my lake [1]%?"}');
  assert.equal(odd.storage, { uri: `file://${root}/my lake [1]%?`, folder: `${root}/my lake [1]%?` });
  assert.is((await project('storage: {root: file:///my%20lake}')).project.storage.folder, '/my lake');
  assert.is(other.project.metastore.type === 'postgresql' && other.project.metastore.port, 6000);
  const message = async (text: string): Promise<string> => (await problemsOf(() => project(text)))[0]?.message ?? '';
  assert.is(await message('metastor: {}'), 'sluice.yml:1:1 metastor: unknown key "metastor", did you mean "metastore"?');
  assert.is(await message('metastore: {type: mysql}'), 'sluice.yml:1:12 metastore: type: expected one of sqlite, postgresql, found "mysql"');
  assert.is(await message('metastore: {type: sqlite, pth: a}'), 'sluice.yml:1:27 metastore.pth: unknown key "pth", did you mean "path"?');
  assert.is(await message('metastore: {type: postgresql}'), 'sluice.yml:1:12 metastore: expected the key "url" or "database"');
  assert.match(await message('storage: {root: "s3://b/p"}'), 'expected a folder or a file:// URI');
  assert.match(await message('- a'), 'expected a mapping of settings');
});

test.run();
