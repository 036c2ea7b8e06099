import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareConfig } from '../../../src/conformance/declaration.js';
import type { JsonObject, SluiceError } from '../../../src/core/spi/index.js';
import { startCutProxy, type CutProxy, type CutRule } from '../../servers/cut-proxy.js';
import { testCertificates } from '../../servers/tls.js';
import { planOnly, plugin, products, read, startMysqlLab, withLab, type MysqlLab } from './lab.js';

const ROWS = 20_000;

async function errorOf(work: () => Promise<unknown>): Promise<SluiceError> {
  try {
    await work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('it did not fail');
}

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;
  let proxy: CutProxy;
  let throughProxy: JsonObject;

  /** Plans directly, then reads with the rule in force. */
  const readWith = (rule: CutRule, extra: JsonObject = {}): Promise<unknown> => {
    proxy.set({});
    return read({ ...throughProxy, table: 'many', ...extra }, undefined, { between: () => Promise.resolve(proxy.set(rule)) });
  };
  /** The number of the session that reads. */
  const readingThread = async (): Promise<string> => {
    for (let i = 0; i < 500; i++) {
      const [rows] = await my.client.query(`SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT%many%' AND id <> CONNECTION_ID()`);
      const [row] = rows as { id?: string; ID?: string }[];
      const id = row?.id ?? row?.ID;
      if (id !== undefined) return id;
      await delay(10);
    }
    throw new Error('nobody reads');
  };

  test.before(async () => {
    my = await startMysqlLab(start);
    await my.run(`CREATE TABLE many (id INT PRIMARY KEY, v VARCHAR(1000))`);
    const list = Array.from({ length: ROWS }, (_, i) => `(${i}, REPEAT('${i % 10}', 1000))`);
    for (let at = 0; at < ROWS; at += 5000) await my.run(`INSERT INTO many VALUES ${list.slice(at, at + 5000).join(', ')}`);
    proxy = await startCutProxy(my.server);
    throughProxy = { ...my.connection, host: proxy.host, port: proxy.port };
  });
  test.after(async () => {
    await proxy.stop();
    await my.stop();
  });

  test(`${product}: a cut at any place is a retryable error, never a short result`, async () => {
    for (const mode of ['end', 'reset'] as const) {
      for (const bytes of [0, 5, 90, 200, 2000, 500_000, 3_000_000, 12_000_000]) {
        const error = await errorOf(() => readWith({ cutAfter: { direction: 'down', bytes, mode } }));
        assert.equal([mode, bytes, error.code, error.retryable], [mode, bytes, 'SQL_UNREACHABLE', true], error.message);
        assert.match(error.message, `${proxy.port}`);
      }
      const error = await errorOf(() => readWith({ cutAfter: { direction: 'up', bytes: 40, mode } }));
      assert.equal([error.code, error.retryable], ['SQL_UNREACHABLE', true], error.message);
    }
    const error = await errorOf(() => readWith({ cutAfter: { direction: 'down', bytes: 400_000 } }, { parallel_ranges: 3 }));
    assert.equal([error.code, error.retryable], ['SQL_UNREACHABLE', true], error.message);
    const { rows } = (await readWith({})) as { rows: string[][] };
    assert.is(rows.length, ROWS);
  });

  test(`${product}: slow and jerky networks change nothing`, async () => {
    const { rows } = (await readWith({ delayMs: 1, bytesPerSecond: 80_000_000 })) as { rows: string[][] };
    assert.is(new Set(rows.map(([id]) => id)).size, ROWS);
  });

  test(`${product}: a killed query, a killed session`, async () => {
    for (const [kill, code, retryable] of [
      ['KILL QUERY', 'SQL_TIMEOUT', false],
      ['KILL', 'SQL_UNREACHABLE', true],
    ] as const) {
      const reading = errorOf(() => readWith({ pauseAfter: { direction: 'down', bytes: 300_000 } }, { socket_timeout: 30 }));
      const thread = await readingThread();
      await my.run(`${kill} ${thread}`);
      proxy.set({});
      const error = await reading;
      // A server that is killed while it writes may also fall silent.
      const expected = error.code === 'SQL_SILENT' ? [kill, 'SQL_SILENT', true] : [kill, code, retryable];
      assert.equal([kill, error.code, error.retryable], expected, error.message);
    }
  });

  test(`${product}: a server that says nothing, a transaction that lasts too long, a read that is given up`, async () => {
    const paused: CutRule = { pauseAfter: { direction: 'down', bytes: 300_000 } };
    const silent = await errorOf(() => readWith(paused, { socket_timeout: 0.4 }));
    assert.equal([silent.code, silent.retryable], ['SQL_SILENT', true], silent.message);
    assert.match(silent.hint ?? '', 'socket_timeout');
    const late = await errorOf(() => readWith(paused, { max_transaction_secs: 0.4 }));
    assert.equal([late.code, late.retryable], ['SQL_TRANSACTION_LIMIT', false], late.message);
    assert.match(late.hint ?? '', 'max_transaction_secs');
    const mute = await errorOf(() => readWith({ pauseAfter: { direction: 'down', bytes: 0 } }, { connect_timeout: 0.3 }));
    assert.equal([mute.code, mute.retryable], ['SQL_UNREACHABLE', true], mute.message);

    const stop = new AbortController();
    const reading = errorOf(() =>
      withLab(async (lab) => {
        proxy.set({});
        const { plan, prepared } = await planOnly({ ...throughProxy, table: 'many' }, undefined, lab);
        proxy.set(paused);
        const [task] = plan.tasks;
        assert.ok(task);
        return plugin.open(task, plan, prepared, lab.context({ signal: stop.signal }));
      }),
    );
    await readingThread();
    stop.abort(new Error('the user said so'));
    assert.is((await reading).message, 'the user said so');
    await withLab(async (lab) => assert.equal(await lab.leftOvers(), []));

    const silentProxy = { pauseAfter: { direction: 'down', bytes: 0 } } as const;
    proxy.set(silentProxy);
    const before = proxy.connections;
    const connecting = new AbortController();
    const probe = errorOf(() =>
      withLab(async (lab) => plugin.probe?.(await prepareConfig(plugin, throughProxy), lab.context({ signal: connecting.signal }))),
    );
    while (proxy.connections === before) await delay(5);
    connecting.abort(new Error('not even connected'));
    assert.is((await probe).message, 'not even connected');
    proxy.set({});
  });

  test(`${product}: TLS is verified: the authority, and the name also where it is an address`, async () => {
    const { strangerCaFile } = await testCertificates();
    const elsewhere = await startCutProxy(my.server, '127.0.0.2');
    const at = (host: string, port: number, extra: JsonObject): Promise<unknown> =>
      withLab((lab) => planOnly({ ...my.connection, user: 'tls_only', host, port, table: 'many', ...extra }, undefined, lab));
    const { caFile } = my.server.tls;
    try {
      await at('localhost', my.server.port, { tls: 'verify-full', tls_ca: caFile });
      await at('127.0.0.1', my.server.port, { tls_ca: caFile });
      await at('127.0.0.2', elsewhere.port, { tls: 'verify-ca', tls_ca: caFile });
      await at('localhost', my.server.port, { tls: 'require' });
      await at('localhost', my.server.port, { ssl: true });
      for (const [host, port, extra] of [
        ['127.0.0.2', elsewhere.port, { tls: 'verify-full', tls_ca: caFile }],
        ['localhost', my.server.port, { tls: 'verify-full' }],
        ['localhost', my.server.port, { tls: 'verify-full', tls_ca: strangerCaFile }],
        ['127.0.0.2', elsewhere.port, { tls: 'verify-ca', tls_ca: strangerCaFile }],
      ] as const) {
        const error = await errorOf(() => at(host, port, extra));
        assert.equal([host, extra.tls, error.code, error.retryable], [host, extra.tls, 'SQL_TLS', false], error.message);
        assert.match(error.hint ?? '', 'certificate');
      }
      const plain = await errorOf(() => at('127.0.0.1', my.server.port, { tls: 'disable' }));
      assert.is(plain.code, 'SQL_LOGIN');
    } finally {
      await elsewhere.stop();
    }
  });
}

test('MySQL: a login without TLS can hold the server to its RSA key', async () => {
  const my = await startMysqlLab(products.MySQL);
  const folder = join(tmpdir(), `sluice-key-${process.pid}.pem`);
  try {
    await my.run('CREATE TABLE t (id INT)');
    const [rows] = await my.client.query(`SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'`);
    await writeFile(folder, (rows as { Value: string }[])[0]?.Value ?? '');
    await my.run('FLUSH PRIVILEGES');
    await read({ ...my.connection, table: 't', server_public_key: folder });
  } finally {
    await rm(folder, { force: true });
    await my.stop();
  }
});

test('MariaDB: a server without TLS is refused where TLS was asked for', async () => {
  const my = await startMysqlLab(() => products.MariaDB({ settings: { ssl: '0' } }));
  try {
    const error = await errorOf(() => withLab((lab) => planOnly({ ...my.connection, table: 't', tls: 'require' }, undefined, lab)));
    assert.equal([error.code, error.exitCode], ['SQL_TLS_REFUSED', 2]);
    assert.match(error.hint ?? '', 'tls: disable');
  } finally {
    await my.stop();
  }
});

test.run();
