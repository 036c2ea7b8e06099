import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadPipelines, loadProject } from '../../src/core/config/index.js';
import { isSecretName, redactUrls, revealSecret, Secret } from '../../src/core/spi/index.js';
import type { JsonValue } from '../../src/core/spi/index.js';
import { fixtureRegistry } from './fixture-plugins.js';
import { GOOD, load, problemsOf, withFolder } from './project-folder.js';

const CANARY = 'canary-4711';
const database = (password: string): string => `in: {type: database, host: a, password: ${password}}\nout: {type: warehouse, table: a}\n`;

function reveal(value: JsonValue | undefined): Promise<string> {
  return revealSecret(value as unknown as Secret);
}

test('every spelling of a secret gives its value only when it is revealed', async () => {
  const files = {
    'env.yml': database('{env: DB_PASSWORD}'),
    'plain.yml': database(CANARY),
    'file.yml': database('{file: secrets/db}'),
    'secrets/db': `${CANARY}\n`,
    'liquid.yml.liquid': database('{{ env.DB_PASSWORD }}'),
  };
  await withFolder(files, async (folder) => {
    for (const name of Object.keys(files).filter((file) => file.includes('.yml'))) {
      const [pipeline] = await loadPipelines(join(folder, name), { registry: fixtureRegistry(), cwd: folder, env: { DB_PASSWORD: CANARY } });
      assert.is(await reveal(pipeline?.input.config['password']), CANARY, name);
      const shown = [JSON.stringify(pipeline), inspect(pipeline, { depth: null, showHidden: true }), String(pipeline?.input.config['password'])].join(
        '\n',
      );
      assert.not.match(shown, CANARY);
    }
  });
});

test('the hash follows the reference, not the value', async () => {
  const hash = async (text: string, password: string): Promise<string | undefined> =>
    (await load({ 'a.yml': text }, 'a.yml', { env: { A_PASSWORD: password, B_PASSWORD: password } }))[0]?.hash;
  assert.is(await hash(database('{env: A_PASSWORD}'), 'one'), await hash(database('{env: A_PASSWORD}'), 'two'));
  assert.is.not(await hash(database('{env: A_PASSWORD}'), 'one'), await hash(database('{env: B_PASSWORD}'), 'one'));
});

test('a missing secret is an error with its place', async () => {
  const [env] = await problemsOf(() => load({ 'a.yml': database('{env: DB_PASSWORD}') }, 'a.yml'));
  assert.is(env?.code, 'SECRET_MISSING');
  assert.is(env?.message, 'a.yml:1:41 in.password: the environment variable DB_PASSWORD is not set');
  assert.match(env?.hint ?? '', 'DB_PASSWORD=...');
  const [file] = await problemsOf(() => load({ 'a.yml': database('{file: none}') }, 'a.yml'));
  assert.is(file?.code, 'SECRET_MISSING');
  assert.match(file?.message ?? '', 'the file none cannot be read');
  assert.match(file?.hint ?? '', 'create');
});

test('a file that vanished after the load is an error when it is read', async () => {
  await withFolder({ 'a.yml': database('{file: db}'), db: CANARY }, async (folder) => {
    const [pipeline] = await loadPipelines(join(folder, 'a.yml'), { registry: fixtureRegistry(), cwd: folder, env: {} });
    writeFileSync(join(folder, 'db'), 'changed');
    assert.is(await reveal(pipeline?.input.config['password']), 'changed');
  });
});

test('commands are for sluice.yml alone', async () => {
  const [refused] = await problemsOf(() => load({ 'a.yml': database('{command: echo x}') }, 'a.yml'));
  assert.is(refused?.code, 'SECRET_COMMAND');
  assert.match(refused?.hint ?? '', '{env: NAME}');
  const metastore = (command: string): string => `metastore: {type: postgresql, host: db.example, database: d, password: {command: '${command}'}}\n`;
  await withFolder({ 'sluice.yml': metastore(`echo ${CANARY}`) }, async (folder) => {
    const project = await loadProject(folder, { env: {}, cwd: folder });
    assert.is(project.metastore.type === 'postgresql' && (await project.metastore.password?.reveal()), CANARY);
    assert.not.match(inspect(project, { depth: null, showHidden: true }), new RegExp(`(?<!echo )${CANARY}`));
  });
  await withFolder({ 'sluice.yml': metastore(`echo ${CANARY} >&2; exit 3`) }, async (folder) => {
    const project = await loadProject(folder, { env: {}, cwd: folder });
    const secret = project.metastore.type === 'postgresql' ? project.metastore.password : undefined;
    const error = await secret?.reveal().then(
      () => undefined,
      (reason: unknown) => reason as Error & { code: string; hint: string },
    );
    assert.is(error?.code, 'SECRET_COMMAND_FAILED');
    assert.match(error?.message ?? '', 'sluice.yml:1:72 metastore.password: the command for this secret failed with status 3');
    assert.match(error?.hint ?? '', 'by hand');
    assert.not.match(inspect(error), CANARY);
  });
});

test('a secret does not get into a plain key', async () => {
  const plain = GOOD.replace('shop.orders', '{env: API_TOKEN}');
  const env = { API_TOKEN: CANARY };
  for (const files of [
    { 'a.yml': plain },
    { 'a.yml.liquid': GOOD.replace('shop.orders', '{{ env.API_TOKEN }}') },
    { 'a.yml.liquid': GOOD.replace('shop.orders', 'x_{{ env.API_TOKEN | upcase }}') },
    { 'a.yml.liquid': GOOD.replace('shop.orders', '"{{ env.API_TOKEN | append: \'-x\' }}"') },
  ]) {
    const name = Object.keys(files)[0] ?? '';
    const problems = await problemsOf(() => load(files as unknown as { [path: string]: string }, name, { env }));
    assert.is(problems[0]?.code, 'SECRET_IN_PLAIN_KEY', JSON.stringify(files));
    assert.match(problems[0]?.hint ?? '', 'keys that hold secrets');
    assert.not.match(inspect(problems, { depth: null }), new RegExp(CANARY, 'i'));
  }
});

test('other variables fill plain keys, as the kind of value the key wants', async () => {
  const text = 'in: {type: database, host: {env: HOST}, port: {env: PORT}, options: {env: x}}\nout: {type: warehouse, table: a}\n';
  const [pipeline] = await load({ 'a.yml': text }, 'a.yml', { env: { HOST: 'db', PORT: '3306' } });
  assert.equal(pipeline?.input.config, { host: 'db', port: 3306, options: { env: 'x' } });
});

test('errors never show a secret or its parts', async () => {
  const problems = await problemsOf(() => load({ 'a.yml': `${database('[a, canary-4711]')}exec: {temp_dir: {password: ${CANARY}}}\n` }, 'a.yml'));
  assert.not.match(inspect(problems, { depth: null }), CANARY);
  const url = await problemsOf(() => load({ 'a.yml': `${GOOD}  mode: postgresql://u:${CANARY}@h/d?token=${CANARY}\n` }, 'a.yml'));
  assert.match(url[0]?.message ?? '', 'postgresql://u:***@h/d?token=***');
  assert.not.match(inspect(url, { depth: null }), CANARY);
  for (const broken of [
    `a: "${CANARY}" ${CANARY}\n`,
    `a: [${CANARY}\nb: ]`,
    `- ${CANARY}\nb: 1\n`,
    `a: !x ${CANARY}\n`,
    `"${CANARY}`,
    `a: 'x' '${CANARY}'`,
  ]) {
    assert.not.match(inspect(await problemsOf(() => load({ 'a.yml': broken }, 'a.yml')), { depth: null }), CANARY, broken);
  }
});

test('names and URLs', () => {
  for (const name of ['DB_PASSWORD', 'PGPASSWORD', 'API_KEY', 'GITHUB_TOKEN', 'client_secret', 'AWS_SECRET_ACCESS_KEY', 'passwd'])
    assert.ok(isSecretName(name), name);
  for (const name of ['HOST', 'KEYBOARD', 'COMPASS_DIRECTION', 'DATA_DIR']) assert.not.ok(isSecretName(name), name);
  assert.is(redactUrls('see mysql://me:pw@h:1/d and s3://bucket/a@b'), 'see mysql://me:***@h:1/d and s3://bucket/a@b');
  assert.is(redactUrls('https://token@h/?a=1&api_key=x&b=2'), 'https://***@h/?a=1&api_key=***&b=2');
  assert.is(String(new Secret(null, () => Promise.resolve('x'))), '***');
});

test.run();
