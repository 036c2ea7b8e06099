import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openConnection } from '../../src/metastore/open-connection.js';
import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/index.js';
import { sqlOf } from '../../src/metastore/connection.js';
import { startCutProxy } from '../servers/cut-proxy.js';
import { errorOf } from './stores.js';
import { postgresqlStore } from './stores-postgresql.js';

const test = suite('postgresql: failures');
let database: Awaited<ReturnType<typeof postgresqlStore>>;
let store: Metastore;
test.before(async () => {
  database = await postgresqlStore();
  store = await openMetastore(database.options);
});
test.after(async () => {
  await store.close();
  await database.stop();
});

test('a server restarted in mid-transaction: a retryable error, nothing stored, the store recovers', async () => {
  for (const mode of ['fast', 'immediate'] as const) {
    const error = await errorOf(() =>
      store.transaction(async (tx) => {
        await store.catalog.createNamespace(tx, 'half');
        await database.server.restart(mode);
        await store.catalog.createNamespace(tx, 'other_half');
      }),
    );
    assert.is(error.code, 'METASTORE_UNREACHABLE', error.message);
    assert.ok(error.retryable);
    assert.match(error.hint ?? '', 'check that the server runs');
    assert.not.ok((await store.catalog.listNamespaces()).includes('half'));
    await store.transaction((tx) => store.catalog.createNamespace(tx, 'after'));
    assert.ok((await store.catalog.listNamespaces()).includes('after'));
  }
});

test('idle connections that a restart has ended are replaced without an error', async () => {
  await Promise.all(Array.from({ length: 8 }, () => store.now()));
  await database.server.restart('fast');
  assert.type(await store.now(), 'number');
  await database.server.restart('immediate');
  await store.transaction((tx) => store.catalog.createNamespace(tx, 'replaced'));
});

test('a server that has gone without a word is given up; so is a client that holds what everybody waits for', async () => {
  const proxy = await startCutProxy(database.server);
  const { user, password } = database.server;
  const far = await openMetastore({ url: `postgresql://${user}@${proxy.host}:${proxy.port}/postgres`, password, answerSeconds: 0.5 });
  for (const direction of ['up', 'down'] as const) {
    proxy.set({ pauseAfter: { direction, bytes: 0 } });
    const error = await errorOf(() => far.now());
    assert.equal([error.code, error.retryable], ['METASTORE_UNREACHABLE', true]);
    assert.match(error.message, 'no answer within 0.5 seconds');
    proxy.set({});
    assert.type(await far.now(), 'number');
  }
  const unknown = await errorOf(() =>
    far.transaction(async (tx) => {
      await far.catalog.createNamespace(tx, 'perhaps');
      proxy.set({ pauseAfter: { direction: 'down', bytes: 0 } });
    }),
  );
  assert.is(unknown.code, 'METASTORE_COMMIT_UNKNOWN');
  await far.close();
  await proxy.stop();

  const connection = await openConnection(database.options);
  await connection.transaction(async (tx) => {
    await connection.dialect.lockName(sqlOf(tx), 'anything');
    assert.equal(await tx.get('SHOW idle_in_transaction_session_timeout'), { idle_in_transaction_session_timeout: '15s' });
  });
  await connection.close();
});

test('a connection lost during COMMIT says that the outcome is unknown', async () => {
  const connection = await openConnection(database.options);
  await connection.transaction(async (tx) => {
    await tx.run('CREATE TABLE doom (n INT)');
    await tx.run(
      'CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $f$',
    );
    await tx.run('CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON doom DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()');
  });
  const error = await errorOf(() => connection.transaction((tx) => tx.run('INSERT INTO doom VALUES (1)')));
  assert.is(error.code, 'METASTORE_COMMIT_UNKNOWN');
  assert.ok(error.retryable);
  assert.match(error.hint ?? '', 'the stored run tells whether it had committed');
  assert.equal(await connection.reader.all('SELECT * FROM doom'), []);
  await connection.close();
});

test('a failed statement that the caller ignores cannot pass for a commit', async () => {
  const connection = await openConnection(database.options);
  const error = await errorOf(() =>
    connection.transaction(async (tx) => {
      await errorOf(() => tx.run('SELECT 1/0'));
    }),
  );
  assert.is(error.code, 'METASTORE_ROLLED_BACK');
  await connection.close();
});

test('what cannot be opened says why', async () => {
  const { host, port, user, password } = database.server;
  const open = (url: string, secret = password) => errorOf(() => openMetastore({ url, password: secret }));
  const login = await open(`postgresql://${user}@${host}:${port}/postgres`, 'hunter2');
  assert.equal([login.code, login.retryable], ['METASTORE_LOGIN', false]);
  assert.match(login.hint ?? '', 'metastore.password');
  assert.not.ok(JSON.stringify([login.message, login.hint]).includes('hunter2'));
  const missing = await open(`postgresql://${user}@${host}:${port}/nowhere`);
  assert.equal([missing.code, missing.retryable], ['METASTORE_DATABASE', false]);
  assert.match(missing.hint ?? '', 'create the database');
  const closed = await open(`postgresql://${user}@${host}:1/postgres`);
  assert.equal([closed.code, closed.retryable], ['METASTORE_UNREACHABLE', true]);
  assert.match(closed.message, `metastore postgresql://${host}:1/postgres: connect ECONNREFUSED`);
  const untrusted = await open(`postgresql://${user}@${host}:${port}/postgres?sslmode=verify-full`);
  assert.equal([untrusted.code, untrusted.retryable], ['METASTORE_TLS', false]);
  assert.match(untrusted.hint ?? '', 'sslrootcert');
  const trusted = await openMetastore({
    url: `postgresql://${user}@${host}:${port}/postgres?sslmode=verify-full&sslrootcert=${database.server.caFile}`,
    password,
  });
  assert.is(trusted.id, store.id);
  await trusted.close();
});

test('a user without rights learns what to grant', async () => {
  const connection = await openConnection(database.options);
  await connection.transaction((tx) => tx.run(`CREATE ROLE reader LOGIN PASSWORD 'reader'`));
  await connection.close();
  const { host, port } = database.server;
  const error = await errorOf(() => openMetastore({ url: `postgresql://reader@${host}:${port}/postgres`, password: 'reader' }));
  assert.is(error.code, 'METASTORE_DENIED');
  assert.match(error.hint ?? '', 'grant the user');
});

test.run();
