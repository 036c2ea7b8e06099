import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadPipelines } from '../../src/core/config/index.js';
import { revealSecret, type Secret } from '../../src/core/spi/index.js';
import { fixtureRegistry } from './fixture-plugins.js';
import { load, problemsOf, withFolder } from './project-folder.js';

const PROJECT = `connections:
  shop: {type: database, password: {command: "printf %s s3cret"}, host: db1}
`;
const OUT = 'out: {type: warehouse, table: shop.orders}\n';

test('a named connection gives type and keys; the pipeline’s own win', async () => {
  await withFolder(
    { 'sluice.yml': PROJECT, 'a.yml': `in: {connection: shop}\n${OUT}`, 'b.yml': `in: {connection: shop, host: db2}\n${OUT}` },
    async (folder) => {
      const read = async (name: string) => (await loadPipelines(join(folder, name), { registry: fixtureRegistry(), cwd: folder, env: {} }))[0];
      const [a, b] = [await read('a.yml'), await read('b.yml')];
      assert.is(a?.input.plugin.type, 'database');
      assert.is(a?.input.config['host'], 'db1');
      assert.is(b?.input.config['host'], 'db2');
      assert.is(await revealSecret(a?.input.config['password'] as unknown as Secret), 's3cret');
      assert.equal(a?.definition['in'], { connection: 'shop' });
      assert.equal(b?.definition['in'], { connection: 'shop', host: 'db2' });
    },
  );
});

test('the hash follows what the connection says', async () => {
  const hash = async (host: string): Promise<string | undefined> =>
    (await load({ 'sluice.yml': `connections: {shop: {type: database, host: ${host}}}\n`, 'a.yml': `in: {connection: shop}\n${OUT}` }, 'a.yml'))[0]
      ?.hash;
  assert.is(await hash('a'), await hash('a'));
  assert.is.not(await hash('a'), await hash('b'));
});

test('commands give secrets in sluice.yml only', async () => {
  const text = `in: {connection: shop, password: {command: id}}\n${OUT}`;
  const [problem] = await problemsOf(() => load({ 'sluice.yml': PROJECT, 'a.yml': text }, 'a.yml'));
  assert.is(problem?.code, 'SECRET_COMMAND');
  assert.match(problem?.message ?? '', 'a.yml:1:');
});

test('of a section whose connection is unknown nothing else is said', async () => {
  const problems = await problemsOf(() =>
    load({ 'sluice.yml': PROJECT, 'a.yml': 'in: {connection: shopp}\nout: {connection: dhw, table: a}\n' }, 'a.yml'),
  );
  assert.equal(
    problems.map(({ code }) => code),
    ['CONNECTION_UNKNOWN', 'CONNECTION_UNKNOWN'],
  );
});

test('an unknown connection, and one of another type, are errors with their place', async () => {
  const [unknown] = await problemsOf(() => load({ 'sluice.yml': PROJECT, 'a.yml': `in: {connection: shopp, type: database}\n${OUT}` }, 'a.yml'));
  assert.is(unknown?.code, 'CONNECTION_UNKNOWN');
  assert.match(unknown?.message ?? '', /a\.yml:1:\d+ in\.connection: no connection "shopp" in sluice\.yml, did you mean "shop"\?/);
  assert.match(unknown?.hint ?? '', 'shop');
  const [type] = await problemsOf(() => load({ 'sluice.yml': PROJECT, 'a.yml': `in: {connection: shop, type: file}\n${OUT}` }, 'a.yml'));
  assert.is(type?.code, 'CONNECTION_TYPE');
  assert.match(type?.message ?? '', 'type: file was given');
});

test('a wrong key of a connection is placed in sluice.yml', async () => {
  const [problem] = await problemsOf(() =>
    load(
      { 'sluice.yml': 'connections:\n  shop:\n    type: database\n    host: a\n    hots: x\n', 'a.yml': `in: {connection: shop}\n${OUT}` },
      'a.yml',
    ),
  );
  assert.match(problem?.message ?? '', /sluice\.yml:5:5/);
});

test.run();
