import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpDesk, TABLES } from './http-desk.js';

let desk: HttpDesk;
let key: string;

test.before(async () => {
  desk = await HttpDesk.open();
  await desk.sql(...TABLES);
  key = await desk.key({ scopes: ['admin'] });
});
test.before.each(() => desk.start());
test.after(() => desk.close());

/** The answer, of which nothing was read yet. */
function openQuery(sql: string, more: object = {}): Promise<IncomingMessage> {
  const { hostname, port } = new URL(desk.address);
  const body = JSON.stringify({ sql, ...more });
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const request = httpRequest({ host: hostname, port, path: '/api/v1/query', method: 'POST', agent: false, headers }, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

async function metric(name: string): Promise<number> {
  const { text } = await desk.get('/metrics', { key });
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  assert.ok(line, `${name} in\n${text}`);
  return Number(line.slice(name.length + 1));
}

/** Asks until it is so; every question is a round trip. */
async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await check())) assert.ok(Date.now() < end, `waited in vain until ${what}`);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use, without those that wait to be collected. */
const held = (): number => {
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
};

test('a large answer waits for a slow client instead of filling memory', async () => {
  const rows = 200_000;
  const response = await openQuery(`SELECT range AS id, repeat('x', 1000) AS text FROM range(${rows})`, { format: 'csv' });
  const before = held();
  let most = 0;
  let bytes = 0;
  let lines = 0;
  let sinceRest = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    sinceRest += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
    if (sinceRest < 5_000_000) continue;
    sinceRest = 0;
    // The client is slow here; nothing waits for this time to be long enough.
    await new Promise((resolve) => setTimeout(resolve, 10));
    most = Math.max(most, held() - before);
  }
  assert.is(lines, rows + 1);
  assert.ok(bytes > 200_000_000, String(bytes));
  assert.ok(most < 80_000_000, `held ${most} bytes of ${bytes}`);
  assert.is(await metric('sluice_http_query_rows_total'), rows);
  assert.is(await metric('sluice_http_queries_running'), 0);
});

test('a client that goes away ends its query, before and after the first row', async () => {
  const streaming = await openQuery('SELECT range AS id FROM range(1000000000000)', { limit: 1_000_000_000 });
  await new Promise((resolve) => streaming.once('data', resolve));
  assert.is(await metric('sluice_http_queries_running'), 1);
  streaming.destroy();
  await until('the streamed query has ended', async () => (await metric('sluice_http_queries_running')) === 0);

  const { hostname, port } = new URL(desk.address);
  const request = httpRequest({
    host: hostname,
    port,
    path: '/api/v1/query',
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  });
  request.on('error', () => undefined);
  request.end(JSON.stringify({ sql: 'SELECT sum(a.range * b.range) AS n FROM range(10000000) a, range(1000000) b' }));
  await until('the query runs', async () => (await metric('sluice_http_queries_running')) === 1);
  request.destroy();
  await until('the computing query has ended', async () => (await metric('sluice_http_queries_running')) === 0);
});

test('a query that takes too long is ended, before the first row with a problem', async () => {
  await desk.start({ query: { ...desk.config.query, timeoutSecs: 0.5 } });
  const slow = await desk.post('/api/v1/query', {
    key,
    body: { sql: 'SELECT sum(a.range * b.range) AS n FROM range(10000000) a, range(1000000) b' },
  });
  assert.equal([slow.status, slow.json['code'], slow.json['message']], [422, 'QUERY_TIMEOUT', 'the query took longer than 0.5 s']);
  await desk.start({ query: { ...desk.config.query, timeoutSecs: 3 } });
  const streaming = await openQuery('SELECT range AS id FROM range(1000000000000)', { limit: 1_000_000_000 });
  assert.is(streaming.statusCode, 200);
  const end = await new Promise<string>((resolve) => {
    streaming.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    streaming.on('end', () => resolve('end'));
    streaming.resume();
  });
  assert.is(end, 'ECONNRESET', 'a cut answer does not look whole');
});

test('an answer has so many rows at most', async () => {
  await desk.start({ query: { ...desk.config.query, maxRows: 5 } });
  const many = await desk.post('/api/v1/query', { key, body: { sql: 'SELECT * FROM range(6)' } });
  assert.equal([many.status, many.json['code']], [422, 'RESULT_TOO_LARGE']);
  const limited = await desk.post('/api/v1/query', { key, body: { sql: 'SELECT range AS a FROM range(6)', limit: 5 } });
  assert.is(limited.text.split('\n').length, 6);
});

test('a query that needs too much memory fails alone', async () => {
  await desk.start({ query: { ...desk.config.query, memoryLimitBytes: 40_000_000 } });
  const greedy = await desk.post('/api/v1/query', {
    key,
    body: { sql: "SELECT list(repeat('x', 100) || range) AS a FROM range(3000000)" },
  });
  assert.equal([greedy.status, greedy.json['code']], [422, 'OUT_OF_MEMORY'], greedy.text);
  assert.is((await desk.post('/api/v1/query', { key, body: { sql: 'SELECT 1 AS a' } })).text, '{"a":1}\n');
});

test('more queries than may run wait, and more than may wait are told to come back', async () => {
  await desk.start({ query: { ...desk.config.query, maxConcurrent: 1, maxWaiting: 1 } });
  const running = await openQuery('SELECT range AS id FROM range(1000000000000)', { limit: 1_000_000_000 });
  const waiting = desk.post('/api/v1/query', { key, body: { sql: 'SELECT 1 AS a' } });
  await until('the second waits', async () => (await metric('sluice_http_queries_waiting')) === 1);
  const refused = await desk.post('/api/v1/query', { key, body: { sql: 'SELECT 2 AS a' } });
  assert.equal([refused.status, refused.json['code'], refused.headers['retry-after']], [429, 'QUERIES_BUSY', '1']);
  running.destroy();
  assert.is((await waiting).text, '{"a":1}\n');
});

test('stopping lets answers end, and cuts those that do not', async () => {
  const endless = await openQuery('SELECT range AS id FROM range(1000000000000)', { limit: 1_000_000_000 });
  const cut = new Promise<string>((resolve) => {
    endless.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    endless.on('end', () => resolve('end'));
  });
  endless.resume();
  await desk.stop(200);
  assert.is(await cut, 'ECONNRESET');
  const refused = await new Promise<string>((resolve) => {
    get(`${desk.address || 'http://127.0.0.1:1'}/health`).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
  assert.is(refused, 'ECONNREFUSED');
});

test('metrics are what Prometheus reads, with the documented names', async () => {
  await desk.get('/health');
  await desk.get('/api/v1/jobs/no"such\\job', { key });
  await desk.get('/api/v1/jobs/none', { key });
  await desk.start(
    {},
    { gauges: () => Promise.resolve([{ name: 'sluice_workers', help: 'Two\nlines', samples: [{ labels: { of: 'a"b\\c\n' }, value: 2 }] }]) },
  );
  await desk.get('/api/v1/jobs/none', { key });
  await desk.get('/api/v1/tables');
  const { text, headers } = await desk.get('/metrics', { key });
  assert.is(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split('\n')) {
    const [, name = '', type = ''] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== '') types.set(name, type);
    else if (!line.startsWith('# HELP ')) assert.match(line, /^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.e+-]+$/);
  }
  assert.ok(text.includes('sluice_http_requests_total{route="/api/v1/jobs/{id}",method="GET",status="404"} 1\n'), text);
  assert.ok(text.includes('sluice_http_keys_refused_total{reason="missing"} 1\n'));
  assert.ok(text.includes('sluice_workers{of="a\\"b\\\\c\\n"} 2\n'));
  const bucket = /sluice_http_request_duration_seconds_bucket\{route="\/api\/v1\/jobs\/\{id\}",method="GET",le="\+Inf"\} (\d+)/.exec(text);
  assert.is(bucket?.[1], '1');
  const { readFileSync } = await import('node:fs');
  const docs = readFileSync(new URL('../../../docs/http-api.md', import.meta.url), 'utf8');
  for (const [name, type] of types) if (name !== 'sluice_workers') assert.match(docs, new RegExp(`\\| \`${name}\` \\| ${type} \\|`), name);
});

test('no secret stands in an answer or in the log', async () => {
  const canaries = ['canary-of-crm', 'canary-in-sql', 'canary-in-body', 'canary-in-path', key];
  const answers: string[] = [];
  const ask = async (path: string, options: Parameters<HttpDesk['ask']>[1] = {}): Promise<void> => {
    const reply = await desk.ask(path, { key, ...options });
    answers.push(`${JSON.stringify(reply.headers)}${reply.text}`);
  };
  for (const path of [
    '/health',
    '/ready',
    '/metrics',
    '/openapi.json',
    '/api/v1/jobs',
    '/api/v1/schedules',
    '/api/v1/pipelines',
    '/api/v1/runs',
    '/api/v1/tables',
  ])
    await ask(path);
  await ask('/api/v1/query', { method: 'POST', body: { sql: 'SELECT 1', password: 'canary-in-body' } });
  await ask('/api/v1/query', { method: 'POST', body: { sql: 7, params: { token: 'canary-in-body' } } });
  await ask('/api/v1/query', { method: 'POST', raw: '{"sql": "canary-in-body' });
  await ask('/api/v1/jobs?limit=canary-in-path');
  await ask('/api/v1/jobs/canary-in-path%00');
  await ask('/api/v1/jobs', { key: undefined, headers: { authorization: `Bearer x${key}` } });
  for (const canary of canaries) assert.is(answers.filter((answer) => answer.includes(canary)).length, 0, canary);
  await ask('/api/v1/query', { method: 'POST', body: { sql: "SELECT 'canary-in-sql' FROM nothing" } });
  await ask('/api/v1/jobs', { headers: { authorization: `Bearer ${key}` } });
  const logs = JSON.stringify(desk.logs);
  for (const canary of canaries) assert.not.ok(logs.includes(canary), `${canary} in the log`);
  assert.ok(desk.logs.some(({ fields = {} }) => fields['route'] === '/api/v1/query' && fields['status'] === 400));
});

test('a failure behind the server is told by its code alone, and logged', async () => {
  const broken = new Proxy(desk.store, {
    get(store, name, receiver): unknown {
      if (name === 'listJobs') return () => Promise.reject(new Error('at /home/me/secret.ts: canary-of-failure'));
      return Reflect.get(store, name, receiver);
    },
  });
  await desk.start({}, { store: broken });
  const reply = await desk.get('/api/v1/jobs', { key });
  assert.equal([reply.status, reply.json['code']], [500, 'INTERNAL']);
  assert.not.match(reply.text, /canary|secret\.ts/);
  const entry = desk.logs.find((each) => each.fields?.['request_id'] === reply.json['request_id'] && each.fields?.['error'] !== undefined);
  assert.is(entry?.level, 'error');
});

test.run();
