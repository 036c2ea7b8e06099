import { request as httpsRequest } from 'node:https';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { ROUTES } from '../../../src/server/http/routes/index.js';
import type { Route } from '../../../src/server/http/route.js';
import { makeKey, readKey, sameHash } from '../../../src/server/keys/api-key.js';
import { HttpDesk, TABLES, type Reply } from './http-desk.js';

let desk: HttpDesk;
let jobId: string;

test.before(async () => {
  desk = await HttpDesk.open();
  await desk.sql(...TABLES);
  jobId = await desk.store.addJob(desk.newJob());
});
test.before.each(async () => {
  desk.clock.ahead = 0;
  desk.clock.stopped = undefined;
  await desk.start();
});
test.after(() => desk.close());

const pathOf = (route: Route): string => route.path.replace('{id}', jobId).replace('{name}', 'daily');

function isRefused(reply: Reply, status: number, code: string, what = ''): void {
  assert.is(reply.status, status, `${what} ${reply.text}`);
  assert.is(reply.json['code'], code, `${what} ${reply.text}`);
}

test('without a key, with a wrong one, or one that is over, only /health answers', async () => {
  await desk.start({ failedAttemptsPerMinute: 10_000 });
  const good = await desk.key();
  const revoked = await desk.key();
  await desk.store.revokeKey(readKey(revoked)?.id ?? '');
  const expired = await desk.key({ scopes: ['admin'], expiresAt: Date.now() - 1 });
  const wrongSecret = `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`;
  for (const route of ROUTES) {
    const reply = await desk.ask(pathOf(route), { method: route.method });
    if (route.path === '/health') {
      assert.equal(reply.json, { alive: true });
      continue;
    }
    isRefused(reply, 401, 'KEY_MISSING', route.path);
    assert.match(reply.headers['www-authenticate'] ?? '', /^Bearer/);
    for (const key of [revoked, expired, wrongSecret, makeKey().text, 'sluice_x', ''])
      isRefused(await desk.ask(pathOf(route), { method: route.method, key }), 401, 'KEY_REFUSED', `${route.path} ${key.slice(0, 12)}`);
    for (const authorization of [good, `Basic ${good}`, `Bearer ${good} x`])
      isRefused(await desk.ask(pathOf(route), { method: route.method, headers: { authorization } }), 401, 'KEY_REFUSED', route.path);
  }
  isRefused(await desk.get('/api/v1/nothing'), 401, 'KEY_MISSING');
  isRefused(await desk.get(`/api/v1/jobs?key=${good}`), 401, 'KEY_MISSING');
});

test('a key is refused from the moment it is revoked', async () => {
  const key = await desk.key();
  assert.is((await desk.get('/ready', { key })).status, 200);
  await desk.store.revokeKey(readKey(key)?.id ?? '');
  isRefused(await desk.get('/ready', { key }), 401, 'KEY_REFUSED');
});

test('each route asks for its scope; admin has all', async () => {
  const scopes = ['read', 'write', 'rejects'] as const;
  const keys = Object.fromEntries(await Promise.all(scopes.map(async (scope) => [scope, await desk.key({ scopes: [scope] })] as const)));
  const admin = await desk.key({ scopes: ['admin'] });
  for (const route of ROUTES.filter((each) => each.scope !== null)) {
    for (const scope of scopes) {
      const reply = await desk.ask(pathOf(route), { method: route.method, key: keys[scope] });
      if (scope !== route.scope) isRefused(reply, 403, 'SCOPE_MISSING', `${route.path} with ${scope}`);
      else assert.is.not(reply.status, 403, `${route.path} with ${scope}: ${reply.text}`);
    }
    assert.is.not((await desk.ask(pathOf(route), { method: route.method, key: admin })).status, 403, route.path);
  }
});

test('a key for some databases sees nothing of the others', async () => {
  const key = await desk.key({ scopes: ['read', 'write'], databases: ['shop'] });
  for (const route of ROUTES.filter((each) => each.allDatabases === true && each.scope !== 'rejects'))
    isRefused(await desk.ask(pathOf(route), { method: route.method, key }), 403, 'DATABASES_LIMITED', route.path);
  const ask = (sql: string): Promise<Reply> => desk.post('/api/v1/query', { key, body: { sql } });
  for (const sql of ['SELECT * FROM secret.salaries', 'SELECT * FROM shop.peek', 'SELECT * FROM secret."salaries$files"']) {
    const reply = await ask(sql);
    isRefused(reply, 400, 'TABLE_MISSING', sql);
    assert.not.match(reply.text, /canary/);
  }
  assert.is((await ask('SHOW SCHEMAS')).text, '{"schema":"shop"}\n');
  assert.not.match((await ask('SELECT * FROM information_schema.tables')).text, /salaries/);
  const tables = await desk.get('/api/v1/tables', { key });
  assert.equal(
    (tables.json['tables'] as { name: string }[]).map((t) => t.name),
    ['shop.big', 'shop.orders', 'shop.peek'],
  );
  isRefused(await desk.get('/api/v1/tables/secret.salaries', { key }), 404, 'NOT_FOUND');
  isRefused(await desk.get('/api/v1/tables?database=secret%00', { key }), 400, 'REQUEST_INVALID');
});

test('a key for some databases knows the jobs of such keys, and no others', async () => {
  const key = await desk.key({ databases: ['shop'] });
  const other = await desk.key({ scopes: ['read', 'write'], databases: ['marts'] });
  const both = await desk.key({ databases: ['shop', 'marts'] });
  const all = await desk.key();
  const made = await desk.post('/api/v1/query', { key, body: { sql: 'SELECT id FROM shop.orders', async: true } });
  const id = String(made.json['job_id']);
  await desk.endJob(id, { resultFile: await desk.keep('SELECT 1 AS a', 1, ['a']) });
  for (const path of [`/api/v1/jobs/${id}`, `/api/v1/jobs/${id}/log`, `/api/v1/jobs/${id}/result`]) {
    for (const may of [key, both, all]) assert.is((await desk.get(path, { key: may })).status, 200, path);
    isRefused(await desk.get(path, { key: other }), 404, 'NOT_FOUND', path);
    isRefused(await desk.get(path.replace(id, jobId), { key }), 404, 'NOT_FOUND', path);
  }
  isRefused(await desk.post(`/api/v1/jobs/${id}/retry`, { key: other }), 404, 'NOT_FOUND');
  const listed = await desk.get('/api/v1/jobs', { key });
  assert.equal(
    (listed.json['jobs'] as { id: string }[]).map((job) => job.id),
    [id],
  );
  const elsewhere = await desk.get('/api/v1/jobs', { key: other });
  assert.equal(elsewhere.json, { jobs: [], next: null });
});

test('rejects and results made of them need the scope rejects', async () => {
  const read = await desk.key({ scopes: ['read'] });
  const rejects = await desk.key({ scopes: ['read', 'rejects'] });
  const made = await desk.post('/api/v1/query', { key: rejects, body: { sql: 'SELECT 1 AS a', async: true } });
  const id = String(made.json['job_id']);
  await desk.endJob(id, { resultFile: await desk.keep('SELECT 1 AS a', 1, ['a']) });
  isRefused(await desk.get(`/api/v1/jobs/${id}/result`, { key: read }), 403, 'SCOPE_MISSING');
  assert.is((await desk.get(`/api/v1/jobs/${id}/result`, { key: rejects })).text, '{"a":1}\n');
});

test('a Host header that names another server is refused, on every path', async () => {
  const key = await desk.key();
  const port = new URL(desk.address).port;
  const answers = async (host: string, path = '/ready'): Promise<number> => (await desk.get(path, { key, headers: { host } })).status;
  for (const host of [`127.0.0.1:${port}`, '127.0.0.1', 'localhost', `LOCALHOST:${port}`, 'localhost.']) assert.is(await answers(host), 200, host);
  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '[::1]',
    '169.254.169.254',
    'localhost@evil',
    '0.0.0.0',
    'sluice.example',
  ]) {
    assert.is(await answers(host), 421, host);
    assert.is(await answers(host, '/health'), 421, host);
  }
  await desk.start({ hostNames: ['sluice.example'] });
  assert.is(await answers('Sluice.Example:443'), 200);
  assert.is(await answers('x.sluice.example'), 421);
});

test('one key has its rate, one address its failed attempts', async () => {
  await desk.start({ rateLimit: { perSecond: 1, burst: 3 }, failedAttemptsPerMinute: 5 });
  desk.clock.stopped = Date.now();
  const key = await desk.key();
  const other = await desk.key();
  for (let i = 0; i < 3; i++) assert.is((await desk.get('/ready', { key })).status, 200);
  const limited = await desk.get('/ready', { key });
  isRefused(limited, 429, 'TOO_MANY_REQUESTS');
  assert.is(limited.headers['retry-after'], '1');
  assert.is((await desk.get('/ready', { key: other })).status, 200, 'another key has a rate of its own');
  desk.clock.ahead += 3_000;
  assert.is((await desk.get('/ready', { key })).status, 200);
  for (let i = 0; i < 5; i++) isRefused(await desk.get('/ready', { key: makeKey().text }), 401, 'KEY_REFUSED', String(i));
  isRefused(await desk.get('/ready', { key: makeKey().text }), 429, 'TOO_MANY_REQUESTS');
  isRefused(await desk.get('/ready'), 429, 'TOO_MANY_REQUESTS');
  assert.is((await desk.get('/ready', { key: other })).status, 200, 'a client behind the same address whose key opened before goes on');
  assert.is((await desk.get('/health')).status, 200);
  desk.clock.ahead += 60_000;
  isRefused(await desk.get('/ready'), 401, 'KEY_MISSING');
});

test('uses of a key are counted in batches and written at the end', async () => {
  const key = await desk.key();
  const id = readKey(key)?.id ?? '';
  for (let i = 0; i < 7; i++) await desk.get('/ready', { key });
  await desk.stop(0);
  const stored = await desk.store.getKey(id);
  assert.is(stored?.uses, 7);
  assert.ok((stored?.lastUsedAt ?? 0) > Date.now() - 60_000);
});

test('secrets are compared in constant time, as hashes', () => {
  const key = makeKey();
  const presented = readKey(key.text);
  assert.ok(presented);
  assert.is(sameHash(presented.hash, key.hash), true);
  assert.is(sameHash(presented.hash, makeKey().hash), false);
  assert.is(sameHash(presented.hash, ''), false);
  assert.is(readKey(`${key.text}x`), undefined);
  // No comparison of secrets or hashes with operators anywhere: only through crypto's.
  const source = readFileSync(new URL('../../../src/server/keys/api-key.ts', import.meta.url), 'utf8');
  assert.match(source, /timingSafeEqual\(presented, stored\)/);
  const check = readFileSync(new URL('../../../src/server/keys/key-check.ts', import.meta.url), 'utf8');
  assert.not.match(check, /hash\s*[!=]==?/);
});

test('with a certificate the server speaks TLS alone', async () => {
  const [cert, keyFile] = [join(desk.folder, 'cert.pem'), join(desk.folder, 'key.pem')];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...options, '-keyout', keyFile, '-out', cert], { stdio: 'ignore' });
  await desk.start({ tls: { certFile: 'cert.pem', keyFile: 'key.pem' } });
  assert.match(desk.address, /^https:/);
  const { port } = new URL(desk.address);
  const body = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest(
      { host: '127.0.0.1', port, path: '/health', ca: readFileSync(cert), servername: 'localhost', agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      },
    );
    request.on('error', reject);
    request.end();
  });
  assert.is(body, '{"alive":true}');
  const plain = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
  assert.not.match(plain, /alive/);
  try {
    await desk.start({ tls: { certFile: 'missing.pem', keyFile: 'key.pem' } });
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof SluiceError, String(error));
    assert.is(error.code, 'HTTP_TLS');
    assert.match(error.message, /^serve\.http\.tls\.cert_file: reading missing\.pem/);
    assert.is(error.hint, 'name a PEM file that this process may read');
  }
});

test('an address that is taken is told', async () => {
  const port = Number(new URL(desk.address).port);
  const second = await HttpDesk.open();
  try {
    await second.start({ port });
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof SluiceError, String(error));
    assert.is(error.code, 'HTTP_ADDRESS');
    assert.is(error.message, `serve.http: cannot listen on 127.0.0.1:${port}: EADDRINUSE`);
  } finally {
    await second.close();
  }
});

test.run();
