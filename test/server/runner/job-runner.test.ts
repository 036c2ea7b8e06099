import { rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../src/cli/environment.js';
import { RemoteError, type JobStore } from '../../../src/core/spi/index.js';
import { JobLogWriter } from '../../../src/server/runner/job-log-writer.js';
import { JobRunner } from '../../../src/server/runner/job-runner.js';
import { WorkerPool } from '../../../src/server/runner/worker-pool.js';
import { JobDesk, newJob } from './job-desk.js';

const test = suite<{ desk: JobDesk }>('runner of jobs');
const silent = { log: () => undefined };

test.before.each((context) => {
  context.desk = new JobDesk();
  context.desk.write('sluice.yml', 'name: jobs\n');
});
test.after.each(({ desk }) => desk.remove());

const lost = (): Error => new RemoteError({ code: 'METASTORE_COMMIT_UNKNOWN', message: 'the connection was lost', retryable: true });

test('jobs whose claim, or whose end, was not confirmed are run all the same', async ({ desk }) => {
  const store = await desk.store();
  const server = await store.registerServer('test');
  const pool = new WorkerPool({ root: desk.folder, env: process.env, size: 1, memoryBytes: 1e9 });
  let breaks: 'claimJobs' | 'finishJob' | undefined = 'claimJobs';
  const flaky: JobStore = {
    ...store,
    claimJobs: async (...given) => {
      const jobs = await store.claimJobs(...given);
      if (breaks !== 'claimJobs') return jobs;
      throw lost();
    },
    finishJob: async (...given) => {
      if (breaks === 'finishJob') throw new Error('a defect');
      await store.finishJob(...given);
    },
  };
  const runner = new JobRunner({
    store: flaky,
    pool,
    clock: systemClock,
    log: silent,
    limits: () => new Map(),
    onEnd: () => undefined,
    onFree: () => undefined,
  });
  try {
    const id = await store.addJob(newJob({ kind: 'sql', sql: 'SELECT 1 AS one' }));
    const state = async (): Promise<unknown[]> => {
      const job = await store.getJob(id);
      return [job?.status, job?.attempts, job?.fence];
    };
    let message = '';
    await runner.claim(server).catch((error: Error) => (message = error.message));
    assert.equal(message, 'the connection was lost');
    assert.equal(await state(), ['running', 1, 1]);
    await runner.compare(server);
    assert.equal(await state(), ['queued', 0, 1]);

    breaks = 'finishJob';
    assert.equal(await runner.claim(server), 1);
    await runner.compare(server);
    assert.equal(await state(), ['running', 1, 2], 'what runs here stays');
    await runner.idle();
    await runner.compare(server);
    assert.equal(await state(), ['queued', 0, 2]);

    breaks = undefined;
    assert.equal(await runner.claim(server), 1);
    await runner.idle();
    assert.equal(await state(), ['success', 1, 3]);
  } finally {
    await pool.close();
    await server.release();
  }
});

test('a job that is given up after too many servers is told and logged', async ({ desk }) => {
  const store = await desk.store();
  const id = await store.addJob(newJob({ kind: 'sql', sql: 'SELECT 1 AS one' }));
  for (let i = 0; i < 5; i++) {
    const gone = await store.registerServer(`gone ${i}`);
    assert.is((await store.claimJobs(gone.id, 1, new Map())).length, 1);
    await gone.release();
  }
  const server = await store.registerServer('test');
  const pool = new WorkerPool({ root: desk.folder, env: process.env, size: 1, memoryBytes: 1e9 });
  const logged: string[] = [];
  let ends = 0;
  const runner = new JobRunner({
    store,
    pool,
    clock: systemClock,
    log: { log: (level, message, facts) => logged.push(`${level} ${message} ${String(facts?.['code'])}`) },
    limits: () => new Map(),
    messagesOf: ({ job, status, again }) => Promise.resolve([{ target: 'ops', content: { id: job.id, status, again } }]),
    onEnd: () => ends++,
    onFree: () => undefined,
  });
  try {
    assert.is(await runner.claim(server), 0);
    const told = await store.claimMessages(9, 0);
    assert.equal(
      told.map(({ content }) => content),
      [{ id, status: 'error', again: false }],
    );
    assert.equal([logged, ends], [['warn job ended JOB_ABANDONED'], 1]);
  } finally {
    await pool.close();
    await server.release();
  }
});

test('a metastore that could not be opened is opened once it is there', async () => {
  const desk = new JobDesk();
  try {
    desk.write('sluice.yml', 'name: late\nmetastore: {type: sqlite, path: there/meta.db}\n');
    const inTheWay = desk.write('there', 'a file');
    const session = await desk.session();
    let failed = 0;
    await session.warehouse().catch(() => failed++);
    await session.metastore().catch(() => failed++);
    assert.is(failed, 2);
    rmSync(inTheWay);
    assert.type(await (await session.metastore()).now(), 'number');
    assert.ok(await session.warehouse());
  } finally {
    await desk.remove();
  }
});

test('a line of a log that no database takes loses its NUL only', async ({ desk }) => {
  const store = await desk.store();
  const writer = new JobLogWriter(store, { id: 'job', attempts: 1 }, silent);
  writer.add([{ at: 1, level: 'info', text: 'a\0b' }]);
  await writer.flush();
  assert.equal(
    (await store.readLog('job', 0, 10)).map(({ text }) => text),
    ['a\uFFFDb'],
  );
});

test.run();
