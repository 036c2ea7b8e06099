import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inspect } from 'node:util';
import { ConfigError, Secret } from '../../../../src/core/spi/index.js';
import { resolveConnection, type SqlConnectionConfig } from '../../../../src/plugins/shared/sql/connection.js';
import { isLocalHost, readTlsOptions } from '../../../../src/plugins/shared/sql/tls.js';

const place = { at: (path: string) => ({ path }) };
const resolve = (config: SqlConnectionConfig): ReturnType<typeof resolveConnection> => resolveConnection(config, { port: 5432 }, place);

function failure(config: SqlConnectionConfig): ConfigError {
  try {
    resolve(config);
  } catch (error) {
    assert.instance(error, ConfigError);
    return error as ConfigError;
  }
  throw new Error('expected an error');
}

test('TLS is verified unless the server is on this machine', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '::1', '/var/run/postgresql']) {
    assert.ok(isLocalHost(host), host);
    assert.is(resolve({ host }).tls.mode, 'disable', host);
  }
  for (const host of ['db.example.com', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', '::2'])
    assert.is(resolve({ host }).tls.mode, 'verify-full', host);
  assert.is(resolve({ tls_ca: 'ca.pem' }).tls.mode, 'verify-full', 'who names an authority wants it asked');
  assert.is(resolve({ host: 'db', tls: 'disable' }).tls.mode, 'disable');
});

test('ssl of Embulk keeps its meaning and is never weaker in silence', () => {
  const loose = resolve({ host: 'db', ssl: true });
  assert.is(loose.tls.mode, 'require');
  assert.match(loose.tls.note ?? '', /without verifying/);
  assert.is(resolve({ host: 'db', ssl: 'verify' }).tls.mode, 'verify-full');
  assert.is(resolve({ ssl: 'disable' }).tls.mode, 'disable');
  const plain = failure({ host: 'db', ssl: false });
  assert.is(plain.code, 'SQL_TLS_OFF');
  assert.match(plain.hint ?? '', /tls: disable/);
  assert.is(failure({ tls: 'require', ssl: true }).code, 'SQL_TLS_TWICE');
  assert.is(failure({ tls_cert: 'c.pem' }).where.path, 'tls_cert');
});

test('the host check is for the configured host alone', async () => {
  const cert = { subject: { CN: 'db.example.com' }, subjectaltname: 'DNS:db.example.com' } as never;
  const full = await readTlsOptions(resolve({ host: 'db.example.com' }).tls, 'db.example.com', '/');
  assert.is(full?.checkServerIdentity('other', cert), undefined);
  const wrong = await readTlsOptions(resolve({ host: '10.0.0.1' }).tls, '10.0.0.1', '/');
  assert.match(wrong?.checkServerIdentity('db.example.com', cert)?.message ?? '', /10\.0\.0\.1/);
  const authority = await readTlsOptions(resolve({ host: 'x', tls: 'verify-ca' }).tls, 'x', '/');
  assert.ok(authority?.rejectUnauthorized);
  assert.is(authority.checkServerIdentity('x', cert), undefined);
  assert.is(await readTlsOptions(resolve({}).tls, 'localhost', '/'), undefined);
  const missing = await readTlsOptions(resolve({ tls_ca: 'no-such.pem' }).tls, 'localhost', '/').then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  assert.match(missing?.message ?? '', /reading tls_ca no-such\.pem/);
});

test('the password is read when it is used and shown nowhere', async () => {
  let reads = 0;
  const settings = resolve({ host: 'h', database: 'd', password: new Secret({ env: 'P' }, () => Promise.resolve(`canary${++reads}`)) });
  assert.is(reads, 0);
  assert.is(await settings.password(), 'canary1');
  assert.not.match(inspect(settings, { depth: 9 }) + JSON.stringify(settings), /canary/);
  assert.is(settings.place, 'h:5432/d');
  assert.is(await resolve({}).password(), undefined);
  assert.is(failure({ host: 'postgres://u:p@h/d' }).code, 'SQL_HOST');
});

test.run();
