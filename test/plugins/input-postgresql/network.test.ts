import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError, SluiceError, type JsonObject } from '../../../src/core/spi/index.js';
import { startCutProxy, type CutProxy } from '../../servers/cut-proxy.js';
import { testCertificates } from '../../servers/tls.js';
import type { ReadTask } from '../../../src/plugins/input-postgresql/plan.js';
import { readChunks } from '../../../src/plugins/input-postgresql/read.js';
import { plugin, read, startPgLab, until, withLab, type PgLab, type PostgresqlInputConfig } from './lab.js';

let pg: PgLab;
let proxy: CutProxy;
let whole: number;
const ROWS = 20_000;

test.before(async () => {
  pg = await startPgLab();
  proxy = await startCutProxy(pg.server);
  await pg.client.query(
    `create table cut as select i as id, repeat('x', 100) as v from generate_series(1, ${ROWS}) i; alter table cut add primary key (id)`,
  );
  let before = 0;
  await read({ ...through(), table: 'cut' }, undefined, { between: () => Promise.resolve(void (before = proxy.passed.down)) });
  whole = proxy.passed.down - before;
});
test.before.each(() => proxy.set({}));
test.after(async () => {
  await proxy.stop();
  await pg.stop();
});

function through(at: CutProxy = proxy): JsonObject {
  return { ...pg.connection, host: at.host, port: at.port };
}

async function fails(config: JsonObject): Promise<SluiceError> {
  try {
    await read(config);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return error;
  }
  throw new Error('expected an error');
}

test('a cut at any place is a retryable error, never a short result', async () => {
  assert.ok(whole > ROWS * 100);
  for (const mode of ['reset', 'end'] as const) {
    for (const bytes of [0, 1, 200, 2000, Math.floor(whole / 3), whole - 2000, whole - 30]) {
      // The plan takes the first connection, the read the second.
      const first = proxy.connections + 1;
      proxy.set((connection) => (connection > first ? { cutAfter: { direction: 'down', bytes, mode } } : {}));
      const error = await fails({ ...through(), table: 'cut' });
      assert.instance(error, RemoteError, `${mode} after ${bytes}: ${error.message}`);
      assert.ok(error.retryable, `${mode} after ${bytes}: ${error.message}`);
      assert.is(error.code, 'SQL_UNREACHABLE');
      assert.match(error.hint ?? '', /run again/);
    }
  }
});

test('a cut of one of several ranges fails them all', async () => {
  const first = proxy.connections + 1;
  proxy.set((connection) => (connection === first + 2 ? { cutAfter: { direction: 'down', bytes: 100_000 } } : {}));
  const error = await fails({ ...through(), table: 'cut', parallel_ranges: 3, application_name: 'ranger' });
  assert.ok(error.retryable);
  await until(pg.client, `select count(*) = 0 from pg_stat_activity where application_name = 'ranger'`);
});

test('a slow network and a refused connection', async () => {
  proxy.set({ delayMs: 2 });
  assert.is((await read({ ...through(), table: 'cut', where: 'id <= 500' })).rows.length, 500);
  proxy.set({ refuse: true });
  assert.is((await fails({ ...through(), table: 'cut' })).code, 'SQL_UNREACHABLE');
  const nobody = await fails({ ...pg.connection, port: 1, table: 'cut' });
  assert.is(nobody.code, 'SQL_UNREACHABLE');
  assert.match(nobody.message, /127\.0\.0\.1:1\/shop: connecting: .*ECONNREFUSED/);
});

test('a server that falls silent is given up after socket_timeout', async () => {
  const first = proxy.connections + 1;
  proxy.set((connection) => (connection > first ? { pauseAfter: { direction: 'down', bytes: 500_000 } } : {}));
  const error = await fails({ ...through(), table: 'cut', socket_timeout: 0.3 });
  assert.is(error.code, 'SQL_SILENT');
  assert.ok(error.retryable);
  assert.match(error.hint ?? '', /socket_timeout/);
});

test('a connection that never stands is given up after connect_timeout', async () => {
  proxy.set({ pauseAfter: { direction: 'down', bytes: 0 } });
  const error = await fails({ ...through(), table: 'cut', connect_timeout: 0.3 });
  assert.is(error.code, 'SQL_UNREACHABLE');
  assert.ok(error.retryable);
});

test('a slow consumer makes the server wait, and memory stays small', async () => {
  await withLab(async (lab) => {
    const config = { ...through(), query: `select i, repeat('x', 1000) as v from generate_series(1, 60000) i` };
    const plan = await plugin.plan(config, { ...lab.context(), place: lab.place, state: undefined, useState: true });
    const before = proxy.passed.down;
    let bytes = 0;
    let count = 0;
    let first = true;
    for await (const chunk of readChunks(plan.tasks[0] as unknown as ReadTask, config as unknown as PostgresqlInputConfig, lab.context())) {
      bytes += chunk.bytes.length;
      count += chunk.rows;
      if (!first) continue;
      first = false;
      // The server fills the buffers on its way and stops.
      await until(pg.client, `select exists (select 1 from pg_stat_activity where query like 'COPY%' and wait_event = 'ClientWrite')`);
      assert.ok(proxy.passed.down - before < 30_000_000, `${proxy.passed.down - before} bytes were taken from the server`);
    }
    assert.ok(bytes > 60_000_000);
    assert.is(count, 60_000);
  });
});

test('a session that the server ends is a retryable error', async () => {
  await withLab(async (lab) => {
    const config = { ...pg.connection, query: `select i, repeat('x', 1000) as v from generate_series(1, 100000) i`, application_name: 'victim' };
    const plan = await plugin.plan(config, { ...lab.context(), place: lab.place, state: undefined, useState: true });
    let killed = false;
    try {
      for await (const chunk of readChunks(plan.tasks[0] as unknown as ReadTask, config as unknown as PostgresqlInputConfig, lab.context())) {
        if (killed || chunk.rows === 0) continue;
        killed = true;
        await pg.client.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`);
      }
    } catch (error) {
      assert.instance(error, RemoteError);
      assert.is((error as RemoteError).code, 'SQL_UNREACHABLE');
      assert.ok((error as RemoteError).retryable);
      return;
    }
    throw new Error('expected an error');
  });
});

test('a host that is a folder is the Unix socket in it', async () => {
  const { rows } = await pg.client.query<{ unix_socket_directories: string }>('show unix_socket_directories');
  const config = { ...pg.connection, host: rows[0]?.unix_socket_directories ?? '', query: `select inet_client_addr() is null as local` };
  assert.equal((await read(config)).rows, [['true']]);
});

test('TLS: verified by default away from this machine, and the host must be right', async () => {
  const { caFile, strangerCaFile } = await testCertificates();
  const named = { ...pg.connection, query: `select ssl::text from pg_stat_ssl where pid = pg_backend_pid()` };
  const seen = async (config: JsonObject): Promise<string | null | undefined> => (await read({ ...named, ...config })).rows[0]?.[0];
  assert.is(await seen({}), 'false', 'loopback is plain by default');
  assert.is(await seen({ host: 'localhost', tls: 'verify-full', tls_ca: caFile }), 'true');
  assert.is(await seen({ tls: 'verify-full', tls_ca: caFile }), 'true', 'the certificate names 127.0.0.1, too');
  assert.is(await seen({ tls: 'require' }), 'true');
  assert.is(await seen({ ssl: true }), 'true');
  assert.is((await fails({ ...named, tls: 'verify-full', tls_ca: strangerCaFile })).code, 'SQL_TLS');
  assert.is((await fails({ ...named, tls: 'verify-full' })).code, 'SQL_TLS');
  const elsewhere = await startCutProxy(pg.server, '127.0.0.2');
  try {
    const away = { ...named, host: elsewhere.host, port: elsewhere.port };
    const wrong = await fails({ ...away, tls: 'verify-full', tls_ca: caFile });
    assert.is(wrong.code, 'SQL_TLS', 'issued for another host');
    assert.match(wrong.hint ?? '', /tls_ca/);
    assert.not.ok(wrong.retryable);
    assert.is(await seen({ ...away, tls: 'verify-ca', tls_ca: caFile }), 'true');
    assert.is((await fails({ ...away, tls: 'verify-ca', tls_ca: strangerCaFile })).code, 'SQL_TLS');
  } finally {
    await elsewhere.stop();
  }
});

test('TLS: a server without it is refused unless a plain connection was asked for', async () => {
  await pg.client.query('alter system set ssl = off');
  await pg.client.query('select pg_reload_conf()');
  try {
    await until(pg.client, `select current_setting('ssl') = 'off'`);
    const error = await fails({ ...pg.connection, table: 'cut', tls: 'require' });
    assert.is(error.code, 'SQL_TLS_REFUSED');
    assert.match(error.hint ?? '', /tls: disable/);
  } finally {
    await pg.client.query('alter system reset ssl');
    await pg.client.query('select pg_reload_conf()');
  }
});

test.run();
