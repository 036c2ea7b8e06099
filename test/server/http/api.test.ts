import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpDesk, TABLES, type Reply } from './http-desk.js';

let desk: HttpDesk;
let reader: string;
let writer: string;

test.before(async () => {
  desk = await HttpDesk.open();
  await desk.sql(...TABLES);
  await desk.store.syncSchedules([
    { name: 'daily', definitionHash: 'x', nextAfter: () => ({ nextTime: 1_800_000_000_000, dueAt: 1_800_000_060_000 }) },
  ]);
  await desk.start();
  reader = await desk.key();
  writer = await desk.key({ scopes: ['read', 'write'] });
});
test.after(() => desk.close());

function isProblem(reply: Reply, status: number, code: string): void {
  assert.is(reply.status, status, reply.text);
  assert.match(reply.headers['content-type'] ?? '', /^application\/problem\+json/);
  assert.is(reply.json['code'], code, reply.text);
  assert.is(reply.json['status'], status);
  assert.type(reply.json['message'], 'string');
  assert.is(reply.json['request_id'], reply.headers['x-request-id']);
}

test('a query is answered as JSON lines, CSV or JSON', async () => {
  const sql = 'SELECT id, amount FROM shop.orders WHERE id < $most ORDER BY id';
  const lines = await desk.post('/api/v1/query', { key: reader, body: { sql, params: { most: 2 } } });
  assert.is(lines.status, 200);
  assert.match(lines.headers['content-type'] ?? '', /^application\/x-ndjson/);
  assert.is(lines.text, '{"id":0,"amount":0.0}\n{"id":1,"amount":1.5}\n');
  const csv = await desk.post('/api/v1/query', { key: reader, body: { sql, params: { most: 2 }, format: 'csv' } });
  assert.is(csv.text, 'id,amount\n0,0.0\n1,1.5\n');
  const json = await desk.post('/api/v1/query', {
    key: reader,
    body: { sql: 'SELECT id FROM orders ORDER BY id', database: 'shop', format: 'json', limit: 2 },
  });
  assert.equal(json.json, [{ id: 0 }, { id: 1 }] as unknown as Record<string, unknown>);
});

test('wrong statements are told with code, message and hint, never as a failure of the server', async () => {
  const ask = (body: unknown): Promise<Reply> => desk.post('/api/v1/query', { key: reader, body });
  isProblem(await ask({ sql: 'SELEC 1' }), 400, 'SQL_INVALID');
  isProblem(await ask({ sql: 'SELECT * FROM shop.nothing' }), 400, 'TABLE_MISSING');
  isProblem(await ask({ sql: "SELECT * FROM read_csv('/etc/passwd')" }), 400, 'SQL_REFUSED');
  isProblem(await ask({ sql: "SELECT 'x'::INTEGER" }), 422, 'SQL_VALUE');
  isProblem(await ask({ sql: 'SELECT 1; SELECT 2' }), 400, 'SQL_REFUSED');
  isProblem(await ask({ sql: ' ; ' }), 400, 'SQL_EMPTY');
  isProblem(await ask({ sql: 'DROP TABLE shop.orders' }), 400, 'SQL_REFUSED');
  isProblem(await ask({ sql: 'SELECT $a' }), 400, 'QUERY_PARAMETER');
  isProblem(await ask({ sql: 'SELECT 1', as_of: '2026-02-31T00:00:00Z' }), 400, 'REQUEST_INVALID');
  const unknown = await ask({ sql: 'SELECT 1', connection: 'postgresql://u:canary@h/d' });
  isProblem(unknown, 400, 'REQUEST_INVALID');
  assert.not.match(unknown.text, /canary/);
});

test('a query with async is a job that carries the rights of its key', async () => {
  const limited = await desk.key({ databases: ['shop'] });
  const made = await desk.post('/api/v1/query', { key: limited, body: { sql: 'SELECT id FROM shop.orders', async: true, priority: 1 } });
  assert.is(made.status, 202);
  const job = await desk.store.getJob(String(made.json['job_id']));
  assert.equal(job?.payload, { kind: 'sql', sql: 'SELECT id FROM shop.orders', access: { databases: ['shop'], rejects: false } });
  assert.equal([job?.trigger, job?.priority, job?.maxAttempts], ['api', 1, 1]);
  isProblem(await desk.post('/api/v1/query', { key: limited, body: { sql: 'SELECT * FROM secret.salaries', async: true } }), 400, 'TABLE_MISSING');
  isProblem(await desk.post('/api/v1/query', { key: limited, body: { sql: 'DELETE FROM shop.orders', async: true } }), 403, 'SCOPE_MISSING');
  isProblem(await desk.post('/api/v1/query', { key: reader, body: { sql: 'SELECT 1', async: true, format: 'csv' } }), 400, 'REQUEST_INVALID');
  assert.is((await desk.post('/api/v1/query', { key: writer, body: { sql: 'DELETE FROM shop.orders WHERE id = 99', async: true } })).status, 202);
});

test('tables and views are listed and shown, without the places of their files', async () => {
  const { json } = await desk.get('/api/v1/tables?database=shop', { key: reader });
  const tables = json['tables'] as Record<string, unknown>[];
  assert.equal(
    tables.map((t) => [t['name'], t['kind'], t['rows']]),
    [
      ['shop.big', 'view', undefined],
      ['shop.orders', 'table', 10],
      ['shop.peek', 'view', undefined],
    ],
  );
  const shown = await desk.get('/api/v1/tables/shop.orders', { key: reader });
  assert.equal(
    (shown.json['columns'] as { name: string }[]).map((column) => column.name),
    ['id', 'amount'],
  );
  assert.not.match(shown.text, new RegExp(desk.folder));
  assert.is((await desk.get('/api/v1/tables/shop.big', { key: reader })).json['sql'], 'SELECT id FROM orders WHERE id > 5');
  isProblem(await desk.get('/api/v1/tables/shop.nothing', { key: reader }), 404, 'NOT_FOUND');
});

test('jobs are listed in pages, shown, read, killed and made again', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await desk.store.addJob(desk.newJob({ name: 'paged', tags: ['team:a'] })));
  const seen: string[] = [];
  let next: string | null = null;
  do {
    const page: Reply = await desk.get(`/api/v1/jobs?name=paged&tag=team:a&limit=2${next === null ? '' : `&before=${next}`}`, { key: reader });
    seen.push(...(page.json['jobs'] as { id: string }[]).map((job) => job.id));
    next = page.json['next'] as string | null;
  } while (next !== null);
  assert.equal(seen, [...ids].reverse());
  const [first = '', second = ''] = ids;
  await desk.store.appendLog(first, [
    { at: 0, attempt: 1, level: 'info', text: 'hello' },
    { at: 1, attempt: 1, level: 'warn', text: 'again' },
  ]);
  const log = await desk.get(`/api/v1/jobs/${first}/log?after=1`, { key: reader });
  assert.equal(log.json, { lines: [{ seq: 2, at: '1970-01-01T00:00:00.001Z', attempt: 1, level: 'warn', text: 'again' }], next: 2, ended: false });
  isProblem(await desk.post(`/api/v1/jobs/${first}/kill`, { key: reader }), 403, 'SCOPE_MISSING');
  assert.equal((await desk.post(`/api/v1/jobs/${first}/kill`, { key: writer })).json, { id: first, killed: true });
  assert.is((await desk.get(`/api/v1/jobs/${first}`, { key: reader })).json['status'], 'killed');
  isProblem(await desk.post(`/api/v1/jobs/${first}/kill`, { key: writer }), 409, 'JOB_ENDED');
  isProblem(await desk.post(`/api/v1/jobs/${second}/retry`, { key: writer }), 409, 'JOB_NOT_ENDED');
  const copy = await desk.post(`/api/v1/jobs/${first}/retry`, { key: writer });
  assert.is(copy.status, 202);
  assert.is((await desk.store.getJob(String(copy.json['job_id'])))?.trigger, 'retry');
  isProblem(await desk.get('/api/v1/jobs/nothing', { key: reader }), 404, 'NOT_FOUND');
});

test('a kept result comes in every format, until it expires', async () => {
  const id = await desk.store.addJob(desk.newJob());
  isProblem(await desk.get(`/api/v1/jobs/${id}/result`, { key: reader }), 409, 'JOB_NOT_ENDED');
  await desk.endJob(id, { resultFile: await desk.keep('SELECT range AS a FROM range(3)', 3, ['a']) });
  assert.is((await desk.get(`/api/v1/jobs/${id}/result`, { key: reader })).text, '{"a":0}\n{"a":1}\n{"a":2}\n');
  assert.is((await desk.get(`/api/v1/jobs/${id}/result?format=csv`, { key: reader })).text, 'a\n0\n1\n2\n');
  const parquet = await desk.get(`/api/v1/jobs/${id}/result?format=parquet`, { key: reader });
  assert.match(parquet.text, /^PAR1[^]*PAR1$/);
  assert.is(parquet.headers['content-type'], 'application/vnd.apache.parquet');
  const shown = await desk.get(`/api/v1/jobs/${id}`, { key: reader });
  assert.not.match(shown.text, /file:|parquet/);
  desk.clock.ahead = 7_200_000;
  isProblem(await desk.get(`/api/v1/jobs/${id}/result`, { key: reader }), 410, 'RESULT_EXPIRED');
  desk.clock.ahead = 0;
  const none = await desk.store.addJob(desk.newJob());
  await desk.endJob(none);
  isProblem(await desk.get(`/api/v1/jobs/${none}/result`, { key: reader }), 409, 'RESULT_NONE');
  const lost = await desk.store.addJob(desk.newJob());
  await desk.endJob(lost, { resultFile: { uri: `file://${desk.folder}/gone.parquet`, rows: 1, columns: ['a'], expiresAt: Date.now() + 1e6 } });
  isProblem(await desk.get(`/api/v1/jobs/${lost}/result`, { key: reader }), 410, 'RESULT_EXPIRED');
});

test('a schedule that missed its sla says so, until it is made good', async () => {
  const daily = desk.schedules.find(({ name }) => name === 'daily');
  const time = Date.parse('2026-01-31T03:00:00Z');
  await desk.store.syncSchedules([
    { name: 'daily', definitionHash: '1', slaHash: daily?.slaHash ?? '', nextAfter: () => ({ nextTime: null, dueAt: null }) },
  ]);
  const from = (await desk.store.getSchedule('daily'))?.slaFrom ?? 0;
  const misses = [{ kind: 'finish_within' as const, nominalTime: time, deadline: time + 7_200_000 }];
  await desk.store.stepSla({ name: 'daily', expectedFrom: from, misses, from, checkAt: null });
  const shown = (await desk.get('/api/v1/schedules/daily', { key: reader })).json;
  assert.equal(shown['sla'], { finish_within_secs: 7200, max_age_secs: null });
  const missed = shown['sla_missed'] as Record<string, unknown>;
  assert.equal(
    [missed['kind'], missed['nominal_time'], missed['deadline']],
    ['finish_within', '2026-01-31T03:00:00.000Z', '2026-01-31T05:00:00.000Z'],
  );
  assert.match((await desk.get('/metrics', { key: reader })).text, 'sluice_schedules_late 1\n');
  assert.match((await desk.get('/metrics', { key: reader })).text, 'sluice_messages_unsent 0\n');
  const later = await desk.store.addJob({ ...desk.newJob(), name: 'daily', nominalTime: time + 86_400_000 });
  await desk.endJob(later);
  const list = (await desk.get('/api/v1/schedules', { key: reader })).json['schedules'] as { sla_missed: unknown }[];
  assert.equal(
    list.map((each) => each.sla_missed),
    [null, null, null],
  );
  assert.match((await desk.get('/metrics', { key: reader })).text, 'sluice_schedules_late 0\n');
});

test('schedules are shown, held, and run by name with the parameters they declare', async () => {
  const list = await desk.get('/api/v1/schedules', { key: reader });
  assert.equal(
    (list.json['schedules'] as { name: string; enabled: boolean }[]).map((s) => [s.name, s.enabled]),
    [
      ['daily', true],
      ['off', false],
      ['totals', true],
    ],
  );
  const tagged = await desk.get('/api/v1/schedules?tag=team:growth', { key: reader });
  assert.equal(
    (tagged.json['schedules'] as { name: string }[]).map((s) => s.name),
    ['daily'],
  );
  assert.equal((await desk.get('/api/v1/schedules?tag=none', { key: reader })).json, { schedules: [] });
  assert.equal((await desk.get('/api/v1/schedules/daily', { key: reader })).json['parameters'], ['day']);
  assert.is((await desk.post('/api/v1/schedules/daily/pause', { key: writer })).json['paused'], true);
  assert.is((await desk.store.getSchedule('daily'))?.paused, true);
  assert.is((await desk.post('/api/v1/schedules/daily/resume', { key: writer })).json['paused'], false);
  const run = await desk.post('/api/v1/schedules/daily/run', { key: writer, body: { params: { day: '2026-05-05' } } });
  assert.is(run.status, 202, run.text);
  const job = await desk.store.getJob(String(run.json['job_id']));
  assert.equal([job?.trigger, job?.name, job?.payload['params']], ['api', 'daily', { day: '2026-05-05' }]);
  const period = await desk.post('/api/v1/schedules/totals/run', { key: writer, body: { at: '2026-01-01T19:00:00Z' } });
  assert.is(period.status, 202, period.text);
  const again = await desk.store.getJob(String(period.json['job_id']));
  assert.equal([again?.payload['movesState'], again?.nominalTime], [false, Date.parse('2026-01-01T19:00:00Z')]);
  isProblem(await desk.post('/api/v1/schedules/totals/run', { key: writer, body: { at: '2026-01-01T00:00:00Z' } }), 400, 'PERIOD_UNKNOWN');
  isProblem(await desk.post('/api/v1/schedules/daily/run', { key: writer, body: { params: { sql: 'SELECT 2' } } }), 400, 'REQUEST_INVALID');
  isProblem(await desk.post('/api/v1/schedules/daily/run', { key: writer, body: { sql: 'SELECT 2' } }), 400, 'REQUEST_INVALID');
  isProblem(await desk.post('/api/v1/schedules/nothing/run', { key: writer }), 404, 'NOT_FOUND');
  assert.equal((await desk.get('/api/v1/schedules/daily/history?from=2026-01-01T00:00:00Z', { key: reader })).json, { history: [] });
});

test('pipelines of the project run by name, and nothing else does', async () => {
  const list = await desk.get('/api/v1/pipelines', { key: reader });
  assert.equal(
    (list.json['pipelines'] as { name: string }[]).map((p) => p.name),
    // Templates too, but not what they include.
    ['broken', 'shop/orders', 'shop/refunds'],
  );
  const template = await desk.post('/api/v1/pipelines/shop%2Frefunds/run', { key: writer });
  assert.is(template.status, 202, template.text);
  assert.equal((await desk.store.getJob(String(template.json['job_id'])))?.payload, { kind: 'pipeline', file: 'pipelines/shop/refunds.yml.liquid' });
  const run = await desk.post('/api/v1/pipelines/shop%2Forders/run', { key: writer, body: { scheduled_time: '2026-01-01T00:00:00Z' } });
  assert.is(run.status, 202, run.text);
  const job = await desk.store.getJob(String(run.json['job_id']));
  assert.equal(job?.payload, { kind: 'pipeline', file: 'pipelines/shop/orders.yml', scheduledTime: Date.parse('2026-01-01T00:00:00Z') });
  isProblem(await desk.post('/api/v1/pipelines/broken/run', { key: writer }), 409, 'UNKNOWN_PLUGIN');
  for (const name of ['..%2Fsluice', '%2Fetc%2Fpasswd', 'shop%2Forders.yml', '..%2f..%2fpipelines%2fshop%2forders'])
    isProblem(await desk.post(`/api/v1/pipelines/${name}/run`, { key: writer }), 404, 'NOT_FOUND');
});

test('the service tells of itself', async () => {
  assert.equal((await desk.get('/health')).json, { alive: true });
  assert.equal((await desk.get('/ready', { key: reader })).json, { ready: true, version: '0.0.0-test' });
  await desk.start({}, { notReady: () => 'draining' });
  isProblem(await desk.get('/ready', { key: reader }), 503, 'NOT_READY');
  await desk.start();
  isProblem(await desk.get('/api/v1/nothing', { key: reader }), 404, 'NOT_FOUND');
  isProblem(await desk.ask('/api/v1/jobs', { key: reader, method: 'DELETE' }), 404, 'NOT_FOUND');
  isProblem(await desk.post('/api/v1/query', { key: reader, raw: 'sql=1', headers: { 'content-type': 'text/plain' } }), 415, 'MEDIA_TYPE');
  isProblem(await desk.post('/api/v1/query', { key: reader, raw: '{' }), 400, 'REQUEST_INVALID');
  isProblem(await desk.get(`/api/v1/jobs/${'x'.repeat(5000)}`, { key: reader }), 400, 'REQUEST_INVALID');
  for (const query of ['limit=1e999', 'after=1e999', 'limit=-1e999']) {
    const endless = await desk.get(`/api/v1/jobs/x/log?${query}`, { key: reader });
    isProblem(endless, 400, 'REQUEST_INVALID');
    assert.is(endless.json['message'], `query.${query.split('=')[0]}: expected a finite number`);
  }
  isProblem(await desk.post('/api/v1/query', { key: reader, body: { sql: 'x'.repeat(2_000_000) } }), 413, 'REQUEST_TOO_LARGE');
});

test.run();
