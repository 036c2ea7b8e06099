import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobRecord, JobStatus } from '../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import { startHttp, type HttpServer } from '../servers/http.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { newJob } from './runner/job-desk.js';
import { killServes, ServeProcess } from './serve-process.js';

const CANARY = 'canary-4711-secret';
const SECRET_URL_PART = 'hook-canary-0815';

let server: PostgresServer;
let folder: string;
let store: Metastore;
/** What jobs read: the test decides when an answer comes. */
let source: HttpServer;
let hooks: HttpServer;
const held: ServerResponse[] = [];
let hold = true;

const env = (): Record<string, string> => ({ PGPASS_META: server.password, SHOP_PASSWORD: CANARY, HOOK: `${hooks.origin}/${SECRET_URL_PART}` });

function writeProject(extra = ''): void {
  writeFileSync(
    join(folder, 'sluice.yml'),
    `name: shared
metastore: {type: postgresql, host: ${server.host}, port: ${server.port}, database: postgres, user: ${server.user}, password: {env: PGPASS_META}}
connections:
  shop: {type: postgresql, host: 127.0.0.1, port: 1, database: shop, user: me, password: {env: SHOP_PASSWORD}}
serve:
  workers: 2
  drain_secs: 1
  http: {enabled: false}
  connections: {shop: 1}
  notify: {ops: {type: slack, url: {env: HOOK}}}
${extra}`,
  );
}

/** A pipeline that ends when its source answers. */
const pipeline = (table: string): object => ({
  kind: 'pipeline',
  definition: {
    name: `load-${table}`,
    in: { type: 'http', url: `${source.origin}/rows`, parser: { type: 'json', columns: [{ name: 'id', type: 'long' }] } },
    out: { type: 'warehouse', table: `t.${table}` },
  },
});

const nextRequest = (): Promise<void> => new Promise((resolve) => source.handle((_request, response) => void (answer(response), resolve())));

function answer(response: ServerResponse): void {
  if (hold) held.push(response);
  else response.writeHead(200, { 'content-type': 'application/json' }).end('{"id": 1}\n{"id": 2}\n');
}

async function until(id: string, ...statuses: readonly JobStatus[]): Promise<JobRecord> {
  for (;;) {
    const job = (await store.getJob(id)) as JobRecord;
    if (statuses.includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function rowsOf(table: string): Promise<number> {
  const runs = await store.listRuns({ pipeline: `load-${table}`, status: 'committed' });
  return runs.reduce((sum, run) => sum + Number(run.summary?.['written'] ?? 0), 0);
}

test.before(async () => {
  [server, source, hooks] = await Promise.all([startPostgres(), startHttp(), startHttp()]);
  hooks.handle((_request, response) => response.writeHead(200).end());
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-serve-')));
  mkdirSync(join(folder, '.sluice'));
  writeProject();
  store = await openMetastore({ url: `postgresql://${server.user}@${server.host}:${server.port}/postgres`, password: server.password });
});

test.after(async () => {
  await killServes();
  await store.close();
  await Promise.all([source.stop(), hooks.stop(), server.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

test('two processes share the work; the job of a killed one is completed by the other, once', async () => {
  const first = new ServeProcess(folder, env());
  await first.said('serving shared');
  hold = true;
  const asked = nextRequest();
  const id = await store.addJob(newJob(pipeline('taken'), { name: 'taken' }));
  await asked;
  const second = new ServeProcess(folder, env());
  await second.said('serving shared');
  assert.equal(await store.countServers(), 2);
  hold = false;
  await first.kill('SIGKILL');
  const job = await until(id, 'success', 'error');
  assert.equal(job.status, 'success', JSON.stringify(job.error));
  assert.equal(job.attempts, 1, 'a takeover costs no try');
  assert.equal(job.fence, 2);
  assert.equal(await rowsOf('taken'), 2);
  assert.equal(await store.countServers(), 1);

  // The one that is left: killed jobs, timeouts, tries, crashes of workers.
  hold = true;
  const killing = nextRequest();
  const doomed = await store.addJob(newJob(pipeline('doomed'), { name: 'doomed' }));
  await killing;
  assert.ok(await store.killJob(doomed));
  const killed = await until(doomed, 'killed', 'success', 'error');
  assert.equal([killed.status, killed.error?.code], ['killed', 'JOB_KILLED']);

  const slow = await store.addJob(newJob(pipeline('slow'), { name: 'slow', timeoutMs: 700, maxAttempts: 2 }));
  const late = await until(slow, 'error', 'success');
  assert.equal([late.status, late.error?.code, late.attempts], ['error', 'JOB_TIMEOUT', 2]);
  assert.match(late.error?.message ?? '', '0.7 seconds');

  const crashing = nextRequest();
  const crashed = await store.addJob(newJob(pipeline('crashed'), { name: 'crashed', maxAttempts: 2 }));
  await crashing;
  hold = false;
  for (const pid of second.workers()) process.kill(pid, 'SIGKILL');
  const survived = await until(crashed, 'error', 'success');
  assert.equal([survived.status, survived.attempts], ['success', 2]);
  assert.equal(await rowsOf('crashed'), 2);
  const log = await store.readLog(crashed, 0, 100);
  assert.ok(
    log.some(({ attempt, text }) => attempt === 1 && text.startsWith('WORKER_ENDED: ')),
    JSON.stringify(log),
  );

  // A failing schedule's job tells the webhook; no secret is in jobs, logs or messages.
  const failing = await store.addJob(
    newJob(
      { kind: 'sql', sql: 'select 1 as id', out: { connection: 'shop', table: 'x', mode: 'append', retry_limit: 0 }, schedule: 'crm' },
      { name: 'crm', uses: ['shop'], maxAttempts: 1 },
    ),
  );
  const failed = await until(failing, 'error', 'success');
  assert.equal(failed.status, 'error');
  while (!hooks.seen.some(({ body }) => body.includes('crm'))) await new Promise((resolve) => setTimeout(resolve, 50));
  const everything = JSON.stringify([
    await Promise.all((await store.listJobs({})).map(async (each) => [each, await store.readLog(each.id, 0, 1000)])),
    second.lines,
    first.lines,
    hooks.seen.map(({ body }) => body),
  ]);
  assert.not.match(everything, CANARY);
  assert.not.match(everything, SECRET_URL_PART);

  // A broken file keeps the old config; a good one is taken.
  writeProject('schedules: {bad: {cron: nonsense, sql: select 1}}\n');
  const wrong = await second.said('the changed config is wrong');
  assert.match(wrong.message, 'nonsense');
  writeProject("schedules: {ok: {cron: '* * * * * *', sql: select 1, retries: 0}}\n");
  await second.said('the changed config is in use');
  while ((await store.listJobs({ name: 'ok', status: 'success' })).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));

  // The listener stays as it is until the next start, which is said.
  const file = join(folder, 'sluice.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('http: {enabled: false}', 'http: {enabled: true, port: 0}'));
  assert.match((await second.said('serve.http has changed')).message, 'needs a new start');

  // Draining gives back what does not end in time.
  writeProject();
  hold = true;
  const draining = nextRequest();
  const returned = await store.addJob(newJob(pipeline('returned'), { name: 'returned' }));
  await draining;
  assert.equal(await second.kill('SIGTERM'), 0);
  const back = (await store.getJob(returned)) as JobRecord;
  assert.equal([back.status, back.attempts], ['queued', 0]);
  assert.equal(await store.countServers(), 0);
});

test.run();
