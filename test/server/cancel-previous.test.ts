import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobRecord } from '../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import { Desk } from '../cli/desk.js';
import { startSmtp } from '../servers/smtp.js';
import { killServes, ServeProcess } from './serve-process.js';

const schedule = (sql: string): string =>
  `cron: '*/3 * * * * *'\noverlap: cancel_previous\nsla: {finish_within: 2s}\nsql: ${sql}\ninto: {table: shop.newest, mode: replace}\n`;

async function someJob(store: Metastore, wanted: (job: JobRecord) => boolean): Promise<JobRecord> {
  for (;;) {
    const found = (await store.listJobs({ name: 'newest' })).find(wanted);
    if (found) return found;
    await delay(50);
  }
}

test('a statement that takes too long is ended by the next time, which commits; who waits for it is told', async () => {
  const desk = new Desk();
  const mailbox = await startSmtp();
  try {
    desk.write(
      'sluice.yml',
      `name: shop
serve:
  http: {enabled: false}
  notify: {ops: {type: email, host: 127.0.0.1, port: ${mailbox.port}, from: sluice@example.com, to: ops@example.com, on: [sla_missed]}}
`,
    );
    desk.write('schedules/newest.yml', schedule('SELECT max(hash(i)) AS n FROM range(1000000000000) t(i)'));
    const store = await openMetastore({ url: `sqlite:${desk.folder}/.sluice/metastore.db` });
    const serve = new ServeProcess(desk.folder);
    await serve.said('job started');
    const first = await someJob(store, ({ status }) => status === 'killed');
    assert.is(first.error?.code, 'JOB_SUPERSEDED');
    const log = (await store.readLog(first.id, 0, 1000)).map(({ text }) => text).join('\n');
    const newer = await store.getJob(/JOB_SUPERSEDED: job (\S+) has taken its place: /.exec(log)?.[1] ?? '');
    assert.ok((newer?.nominalTime ?? 0) > (first.nominalTime ?? 0), log);
    assert.not.match(log, 'JOB_KILLED');
    await someJob(store, ({ status, nominalTime }) => status === 'running' && (nominalTime ?? 0) > (first.nominalTime ?? 0));
    desk.write('schedules/newest.yml', schedule('SELECT 7 AS n'));
    const last = await someJob(store, ({ status }) => status === 'success');
    assert.is(await serve.kill('SIGTERM'), 0);
    const jobs = await store.listJobs({ name: 'newest' });
    for (const job of jobs.filter(({ status }) => status === 'killed')) assert.is(job.error?.code, 'JOB_SUPERSEDED', job.id);
    assert.ok(
      jobs.filter(({ id }) => id < last.id).every(({ status }) => status === 'killed'),
      'nothing before it was left over',
    );
    assert.is(new Set(jobs.map(({ nominalTime }) => nominalTime)).size, jobs.length);
    assert.match((await desk.ok(['query', '--format', 'csv', 'SELECT n FROM shop.newest'])).stdout, /^n\n7\n$/);
    const committed = (await desk.json<{ status: string }>(['runs'])).filter(({ status }) => status === 'committed');
    assert.is(committed.length, jobs.filter(({ status }) => status === 'success').length, 'no commit of a job that was ended');
    assert.ok(mailbox.mails.some(({ text }) => text.includes('Subject: [shop] newest is late for')));
    await store.close();
  } finally {
    await killServes();
    await mailbox.stop();
    desk.remove();
  }
});

test.run();
