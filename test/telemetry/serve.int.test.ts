import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobRecord } from '../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import { makeKey } from '../../src/server/keys/api-key.js';
import { newJob } from '../server/runner/job-desk.js';
import { killServes, ServeProcess } from '../server/serve-process.js';
import { startHttp, type HttpServer } from '../servers/http.js';
import { OtlpReceiver, type ReceivedSpan } from '../servers/otlp.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';

const CANARY = 'canary-4711-secret';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

let server: PostgresServer;
let folder: string;
let store: Metastore;
let receiver: OtlpReceiver;
/** What jobs read: the test decides when an answer comes. */
let source: HttpServer;
const held: ServerResponse[] = [];
let hold = false;

const env = (): Record<string, string> => ({
  PGPASS_META: server.password,
  SHOP_PASSWORD: CANARY,
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${CANARY}`,
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

const load = (table: string): object => ({
  kind: 'pipeline',
  definition: {
    name: `load-${table}`,
    in: { type: 'http', url: `${source.origin}/rows`, parser: { type: 'json', columns: [{ name: 'id', type: 'long' }] } },
    out: { type: 'warehouse', table: `t.${table}` },
  },
});

test.before(async () => {
  [server, source, receiver] = await Promise.all([startPostgres(), startHttp(), OtlpReceiver.start()]);
  source.handle((_request, response) => {
    if (hold) held.push(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"id": 1}\n{"id": 2}\n');
  });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-traced-')));
  mkdirSync(join(folder, '.sluice'));
  writeFileSync(
    join(folder, 'sluice.yml'),
    `name: traced
metastore: {type: postgresql, host: ${server.host}, port: ${server.port}, database: postgres, user: ${server.user}, password: {env: PGPASS_META}}
connections:
  shop: {type: postgresql, host: 127.0.0.1, port: 1, database: shop, user: me, password: {env: SHOP_PASSWORD}}
serve: {workers: 2, drain_secs: 5, http: {port: 0}}
`,
  );
  store = await openMetastore({ url: `postgresql://${server.user}@${server.host}:${server.port}/postgres`, password: server.password });
});

test.after(async () => {
  await killServes();
  await store.close();
  await Promise.all([source.stop(), receiver.close(), server.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const ofJob = (id: string, name: string): readonly ReceivedSpan[] =>
  receiver.spans.filter((span) => span.name === name && span.attributes['sluice.job.id'] === id);

/** The span of the whole job, once it has come. */
async function jobSpan(id: string, kind: string): Promise<ReceivedSpan> {
  await receiver.until(() => ofJob(id, `job ${kind}`).length > 0);
  const [span] = ofJob(id, `job ${kind}`);
  assert.ok(span);
  return span;
}

function below(parent: ReceivedSpan): readonly string[] {
  return receiver.childrenOf(parent).map((span) => span.name);
}

test('a trace goes from the request over the job to its worker, and on in the process that takes it over', async () => {
  const first = new ServeProcess(folder, env());
  const address = String((await first.said('serving traced'))['http']);
  const { text: key, id, hash } = makeKey();
  await store.addKey({ id, hash, description: 'test', scopes: ['read', 'write'], databases: null, expiresAt: null });
  const ask = (path: string, body?: object): Promise<Response> =>
    fetch(`${address}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, traceparent: `00-${TRACE}-${SPAN}-01`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  // A job that a request makes.
  const sql = `SELECT '${CANARY}' AS secret`;
  const made = (await (await ask('/api/v1/query', { sql, async: true })).json()) as { job_id: string };
  const asked = await jobSpan(made.job_id, 'sql');
  const request = receiver.spans.find((span) => span.name === 'POST /api/v1/query');
  assert.ok(request);
  assert.equal([request.traceId, request.parentId, request.kind], [TRACE, SPAN, 2]);
  assert.equal([request.attributes['http.request.method'], request.attributes['http.response.status_code']], ['POST', 202]);
  assert.equal([asked.traceId, asked.parentId, asked.kind], [TRACE, request.spanId, 5]);
  assert.equal([asked.attributes['sluice.job.trigger'], asked.attributes['sluice.rows.written']], ['api', 1]);
  assert.equal(below(asked), ['try']);
  const [attempt] = receiver.childrenOf(asked);
  assert.ok(attempt && Number(attempt.attributes['sluice.job.queued_ms']) >= 0);
  assert.equal(below(attempt), ['SELECT'], 'what the worker did');

  // Requests by themselves.
  const answered = await ask('/api/v1/query', { sql });
  assert.match(await answered.text(), CANARY);
  const isAnswer = (span: ReceivedSpan): boolean => span.name === 'POST /api/v1/query' && span.attributes['http.response.status_code'] === 200;
  await receiver.until((spans) => spans.some(isAnswer));
  const answer = receiver.spans.find(isAnswer);
  assert.ok(answer);
  await receiver.until(() => below(answer).length === 1);
  assert.equal(below(answer), ['SELECT']);
  await ask('/health');
  const refused = await fetch(`${address}/api/v1/jobs?token=${CANARY}`, { headers: { authorization: `Bearer ${CANARY}` } });
  assert.is(refused.status, 401);
  await receiver.until((spans) => spans.some((span) => span.name === 'GET /api/v1/jobs'));
  assert.equal(receiver.span('GET /api/v1/jobs').status, {}, 'the fault of a client');
  assert.not.ok(receiver.spans.some((span) => span.name.includes('/health')));

  // A failing job.
  const failing = await store.addJob(
    newJob({ kind: 'sql', sql: `select '${CANARY}' as id`, out: { connection: 'shop', table: 'x', mode: 'append' } }, { uses: ['shop'] }),
  );
  const failed = await jobSpan(failing, 'sql');
  const { error } = (await store.getJob(failing)) as JobRecord;
  assert.equal(failed.status, { code: 2, message: error?.code });
  assert.is(failed.parentId, undefined, 'nobody asked for it in a trace');

  // Its process dies, and another completes the job of the timer.
  hold = true;
  const nominalTime = Date.UTC(2026, 0, 31);
  const taken = await store.addJob(newJob({ ...load('taken'), schedule: 'nightly' }, { name: 'nightly', trigger: 'timer', nominalTime }));
  while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  hold = false;
  const second = new ServeProcess(folder, env());
  await second.said('serving traced');
  await first.kill('SIGKILL');
  const whole = await jobSpan(taken, 'pipeline');
  assert.equal(
    [whole.attributes['sluice.schedule'], whole.attributes['sluice.nominal_time'], whole.attributes['sluice.job.status']],
    ['nightly', '2026-01-31T00:00:00.000Z', 'success'],
  );
  const [again] = receiver.childrenOf(whole);
  assert.ok(again);
  assert.equal([again.name, again.attributes['sluice.job.claim'], again.attributes['sluice.job.attempt']], ['try', 2, 1]);
  assert.equal(below(again), ['run load-taken']);
  const [run] = receiver.childrenOf(again);
  assert.ok(run);
  assert.equal(below(run), ['task', 'commit', 'clean-up'], 'the plan of the first process holds');
  assert.equal(
    run.events.map(({ name }) => name),
    ['resume'],
  );
  assert.ok(whole.startNs <= again.startNs && again.endNs <= whole.endNs);

  // Tries of a job whose worker dies stand below one span.
  hold = true;
  held.length = 0;
  const crashed = await store.addJob(newJob(load('crashed'), { maxAttempts: 2 }));
  while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  hold = false;
  for (const pid of second.workers()) second.endWorker(pid);
  const survived = await jobSpan(crashed, 'pipeline');
  assert.equal(
    receiver.childrenOf(survived).map(({ attributes, status }) => [attributes['sluice.job.attempt'], status.message]),
    [
      [1, 'WORKER_ENDED'],
      [2, undefined],
    ],
  );
  assert.is(survived.attributes['sluice.job.attempts'], 2);

  assert.is(await second.kill('SIGTERM'), 0);
  assert.not.match(receiver.text, CANARY);
  assert.not.match(JSON.stringify([first.lines, second.lines]), CANARY);
});

test.run();
