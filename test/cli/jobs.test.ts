import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import type { JobRecord } from '../../src/core/spi/index.js';
import { newJob } from '../server/runner/job-desk.js';
import { ServeProcess, killServes } from '../server/serve-process.js';
import { Desk } from './desk.js';

const test = suite<{ desk: Desk; store: Metastore }>('sluice jobs');

test.before.each(async (context) => {
  context.desk = new Desk();
  context.desk.write('sluice.yml', 'name: jobs\nserve: {http: {enabled: false}}\n');
  await context.desk.ok(['tables']);
  context.store = await openMetastore({ url: `sqlite:${join(context.desk.folder, '.sluice', 'metastore.db')}` });
});
test.after.each(async ({ desk, store }) => {
  await killServes();
  await store.close();
  desk.remove();
});

async function ended(store: Metastore, id: string): Promise<JobRecord> {
  for (;;) {
    const job = await store.getJob(id);
    if (job && job.finishedAt !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a served job is listed, shown, followed, printed, sent on and repeated', async ({ desk, store }) => {
  const serve = new ServeProcess(desk.folder);
  await serve.said('serving jobs');
  const refused = await desk.sluice(['serve']);
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, 'SERVE_RUNNING');
  assert.match(refused.stderr, 'with a SQLite metastore there is one at a time');

  const id = await store.addJob(newJob({ kind: 'sql', sql: "select 1 as id, 'a' as name" }, { name: 'question' }));
  const log = await desk.sluice(['job', 'log', id, '-f']);
  assert.equal(log.code, 0);
  assert.match(log.stdout, /info {2}1 rows, \d+ bytes; kept until/);
  const [listed] = await desk.json(['jobs', '--name', 'question', '--status', 'success']);
  assert.equal([listed?.['job_id'], listed?.['status'], listed?.['attempts']], [id, 'success', 1]);
  assert.match((await desk.ok(['job', 'show', id.slice(-6)])).stdout, /status {6}success\n[^]*result {6}1 row, kept until/);
  assert.equal((await desk.ok(['job', 'result', 'latest', '--format', 'csv'])).stdout, 'id,name\n1,a\n');
  await desk.ok(['job', 'result', id, '-o', 'kept.jsonl']);
  assert.equal(readFileSync(join(desk.folder, 'kept.jsonl'), 'utf8'), '{"id":1,"name":"a"}\n');
  const sent = await desk.ok(['job', 'export', id, '--to', 'file:sent.csv']);
  assert.match(sent.stdout, 'committed in sent.csv');
  assert.match(readFileSync(join(desk.folder, 'sent.csv'), 'utf8'), '1,a');
  assert.match((await desk.ok(['job', 'show', id])).stdout, /export {6}\S+, success/);

  const wrong = await store.addJob(newJob({ kind: 'sql', sql: 'selec' }, { name: 'wrong' }));
  assert.equal((await desk.sluice(['job', 'log', wrong, '-f'])).code, 1);
  const { stdout } = await desk.ok(['status']);
  assert.match(stdout, 'jobs: 1 process serving');
  assert.match(stdout, /failing\n[^]*wrong[^]*SQL_INVALID/);
  await desk.ok(['job', 'retry', wrong]);
  const [again] = await desk.json<{ job_id: string; trigger: string }>(['jobs', '--name', 'wrong', '--limit', '1']);
  assert.equal(again?.trigger, 'retry');
  assert.equal((await ended(store, again?.job_id ?? '')).error?.code, 'SQL_INVALID');
  assert.equal(await serve.kill('SIGTERM'), 0);
});

test('without a serve, an export runs here', async ({ desk, store }) => {
  const id = await store.addJob(newJob({ kind: 'sql', sql: 'select 5 as id' }, { name: 'q' }));
  const none = await desk.sluice(['job', 'result', id]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, 'it is queued');
  const serve = new ServeProcess(desk.folder);
  await ended(store, id);
  await serve.kill('SIGTERM');
  await desk.ok(['job', 'export', id, '--to', 'file:out.csv']);
  assert.match(readFileSync(join(desk.folder, 'out.csv'), 'utf8'), '5');
  const [made] = await store.listJobs({ kind: 'export' });
  assert.equal([made?.status, made?.parentId], ['success', id]);
  const secret = await desk.sluice(['job', 'export', id, '--to', 'postgresql://me:pw-canary@127.0.0.1/db/t?mode=append']);
  assert.equal(secret.code, 2);
  assert.match(secret.stderr, 'a job holds no secrets');
  assert.not.match(secret.stderr, 'pw-canary');
});

test('a queued job is killed at once; mistakes are named', async ({ desk, store }) => {
  const id = await store.addJob(newJob({ kind: 'sql', sql: 'select 1' }));
  assert.match((await desk.ok(['job', 'kill', id])).stderr, 'is cancelled');
  assert.match((await desk.ok(['job', 'kill', id])).stderr, 'had ended (killed)');
  assert.match((await desk.ok(['status'])).stdout, 'nothing serves it: start `sluice serve`');
  for (const [args, text] of [
    [['job', 'shwo', id], 'expected show, log, result, kill, retry, export, found shwo'],
    [['job', 'show'], 'expected the id of a job'],
    [['job', 'show', 'nothing'], 'no job nothing'],
    [['jobs', '--status', 'done'], '--status: expected queued'],
    [['job', 'export', id], 'expected --to TARGET'],
  ] as const) {
    const outcome = await desk.sluice(args);
    assert.equal(outcome.code, 2, args.join(' '));
    assert.match(outcome.stderr, text);
  }
});

test.run();
