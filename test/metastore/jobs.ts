import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobRecord, NewJob, NewMessage, SlaChanges } from '../../src/core/spi/index.js';
import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/index.js';
import { errorOf } from './stores.js';
import type { TestStore } from './stores.js';

const JOB: NewJob = {
  kind: 'sql',
  name: 'daily',
  payload: { sql: 'select 1' },
  trigger: 'timer',
  nominalTime: 1_700_000_000_000,
  priority: 0,
  notBefore: 0,
  maxAttempts: 1,
  retryWait: { initialMs: 0, maxMs: 0 },
  timeoutMs: null,
  uses: [],
  parentId: null,
  tags: [],
};
const SUCCESS = { status: 'success', result: { runIds: ['r1'], rowsWritten: 3 }, error: null, retry: false } as const;
const FAILURE = { status: 'error', result: null, error: { code: 'X', message: 'broken' }, retry: true } as const;

/** Jobs, their claims, schedules and keys. */
export function runJobs(kind: 'sqlite' | 'postgresql', start: () => Promise<TestStore>): void {
  const test = suite(`jobs on ${kind}`);
  let database: TestStore;
  let store: Metastore;
  let server: string;
  let release: () => Promise<void>;

  test.before.each(async () => {
    database = await start();
    store = await openMetastore(database.options);
    const registered = await store.registerServer('test');
    server = registered.id;
    release = () => registered.release();
  });
  test.after.each(async () => {
    await store.close();
    await database.stop();
  });

  const claimOne = async (limits = new Map<string, number>()): Promise<JobRecord> => {
    const [job] = await store.claimJobs(server, 1, limits);
    assert.ok(job, 'a job is due');
    return job as JobRecord;
  };

  test('a job comes back as it was given, is claimed once, and ends once', async () => {
    const id = await store.addJob({ ...JOB, tags: ['team:a'], uses: ['shop'] });
    const queued = await store.getJob(id);
    assert.equal({ ...queued, ...JOB, tags: ['team:a'], uses: ['shop'] }, queued);
    assert.is(queued?.status, 'queued');
    const job = await claimOne();
    assert.equal([job.id, job.status, job.attempts, job.holder], [id, 'running', 1, server]);
    assert.equal(await store.claimJobs(server, 5, new Map()), []);
    await store.finishJob(job, SUCCESS);
    const done = await store.getJob(id);
    assert.is(done?.status, 'success');
    assert.equal(done?.result, SUCCESS.result);
    assert.is((await errorOf(() => store.finishJob(job, SUCCESS))).code, 'JOB_LOST');
    assert.equal(await store.countJobs(), { queued: 0, running: 0, success: 1, error: 0, killed: 0 });
  });

  test('messages are recorded with the end they tell of, and each is claimed by one until it is sent', async () => {
    const messages = [1, 2, 3].map((n) => ({ target: 'ops', content: { n } }));
    await store.addJob(JOB);
    const job = await claimOne();
    assert.is((await errorOf(() => store.finishJob({ ...job, fence: job.fence - 1 }, { ...SUCCESS, messages }))).code, 'JOB_LOST');
    assert.is(await store.countMessages(), 0);
    await store.finishJob(job, { ...SUCCESS, messages });
    assert.is(await store.countMessages(), 3);
    const claims = (await Promise.all([1, 1, 1, 1, 1].map((limit) => store.claimMessages(limit, 60_000)))).flat();
    assert.equal(
      claims.map(({ target, content, tries }) => [target, content['n'], tries]).sort(),
      [1, 2, 3].map((n) => ['ops', n, 1]),
    );
    const [first, second, third] = claims.map(({ id }) => id) as [number, number, number];
    await store.endMessage(first);
    await store.putOffMessage(second, 60_000);
    await store.putOffMessage(third, 0);
    const again = await store.claimMessages(10, 0);
    assert.equal(
      again.map(({ id, tries }) => [id, tries]),
      [[third, 2]],
    );
    assert.is((await store.claimMessages(10, 0))[0]?.tries, 3, 'left by whoever claimed it');
    assert.is(await store.countMessages(), 2);
  });

  test('priority first, then age; not before its time', async () => {
    const low = await store.addJob({ ...JOB, priority: -1 });
    const first = await store.addJob(JOB);
    const second = await store.addJob(JOB);
    const high = await store.addJob({ ...JOB, priority: 2 });
    await store.addJob({ ...JOB, priority: 2, notBefore: (await store.now()) + 3_600_000 });
    assert.equal(
      (await store.claimJobs(server, 9, new Map())).map((job) => job.id),
      [high, first, second, low],
    );
  });

  test('limits of shared names count the jobs of all processes; one of a schedule at a time', async () => {
    for (let i = 0; i < 4; i++) await store.addJob({ ...JOB, uses: ['shop'] });
    const limits = new Map([['shop', 2]]);
    const running = await store.claimJobs(server, 9, limits);
    assert.is(running.length, 2);
    assert.is((await store.claimJobs(server, 9, limits)).length, 0);
    await store.finishJob(running[0] as JobRecord, SUCCESS);
    assert.is((await store.claimJobs(server, 9, limits)).length, 1);
    for (let i = 0; i < 2; i++) await store.addJob({ ...JOB, uses: ['schedule:daily'] });
    assert.is((await store.claimJobs(server, 9, limits)).length, 1);
  });

  test('an error is tried again after its wait, as often as allowed', async () => {
    const id = await store.addJob({ ...JOB, maxAttempts: 2 });
    await store.finishJob(await claimOne(), FAILURE);
    assert.is((await store.getJob(id))?.status, 'queued');
    const again = await claimOne();
    assert.is(again.attempts, 2);
    await store.finishJob(again, FAILURE);
    const ended = await store.getJob(id);
    assert.equal([ended?.status, ended?.error], ['error', FAILURE.error]);
    const waiting = await store.addJob({ ...JOB, maxAttempts: 2, retryWait: { initialMs: 3_600_000, maxMs: 7_200_000 } });
    await store.finishJob(await claimOne(), FAILURE);
    assert.equal(await store.claimJobs(server, 1, new Map()), []);
    assert.ok(((await store.getJob(waiting))?.notBefore ?? 0) > (await store.now()) + 3_000_000);
    await store.addJob({ ...JOB, maxAttempts: 5 });
    await store.finishJob(await claimOne(), { ...FAILURE, retry: false });
    assert.is((await store.listJobs({ status: 'error' })).length, 2);
  });

  test('jobs of a server that is gone are taken over at no cost, but not for ever', async () => {
    const id = await store.addJob(JOB);
    for (let i = 0; i < 4; i++) {
      const job = await claimOne();
      assert.equal([job.id, job.attempts], [id, 1]);
      await release();
      const next = await store.registerServer('next');
      server = next.id;
      release = () => next.release();
      if (i === 0) assert.is((await errorOf(async () => store.finishJob({ ...(await claimOne()), fence: job.fence }, SUCCESS))).code, 'JOB_LOST');
      if (i === 0) {
        await release();
        const third = await store.registerServer('third');
        server = third.id;
        release = () => third.release();
      }
    }
    const tell = (job: JobRecord): Promise<NewMessage[]> =>
      Promise.resolve([{ target: 'ops', content: { id: job.id, code: job.error?.code ?? '' } }]);
    assert.equal(await store.claimJobs(server, 1, new Map(), tell), []);
    assert.is((await store.getJob(id))?.error?.code, 'JOB_ABANDONED');
    assert.equal(
      (await store.claimMessages(10, 0)).map(({ content }) => content),
      [{ id, code: 'JOB_ABANDONED' }],
    );
  });

  test('kill: queued ones end, running ones are named to their server', async () => {
    const queued = await store.addJob(JOB);
    assert.is(await store.killJob(queued), true);
    assert.is((await store.getJob(queued))?.status, 'killed');
    const id = await store.addJob(JOB);
    const job = await claimOne();
    assert.equal(await store.heldJobs(server), [{ id, fence: 1, killRequested: false }]);
    await store.killJob(id);
    assert.equal(await store.heldJobs(server), [{ id, fence: 1, killRequested: true }]);
    await store.finishJob(job, { ...FAILURE, status: 'killed', error: null });
    assert.is(await store.killJob(id), false);
    assert.is((await errorOf(() => store.retryJob('none'))).code, 'JOB_UNKNOWN');
    const again = await store.retryJob(id);
    assert.is((await store.getJob(again))?.trigger, 'retry');
    assert.is((await errorOf(() => store.retryJob(again))).code, 'JOB_NOT_ENDED');
  });

  test('a drained job goes back unharmed', async () => {
    const id = await store.addJob(JOB);
    await store.returnJob(await claimOne());
    const back = await claimOne();
    assert.equal([back.id, back.attempts], [id, 1]);
  });

  test('eight claimers share forty jobs without taking one twice', async () => {
    for (let i = 0; i < 40; i++) await store.addJob(JOB);
    const taken = (await Promise.all(Array.from({ length: 8 }, () => store.claimJobs(server, 5, new Map())))).flat().map((job) => job.id);
    assert.is(taken.length, 40);
    assert.is(new Set(taken).size, 40);
  });

  test('log lines keep their order and are read from where one left off', async () => {
    const id = await store.addJob(JOB);
    await store.appendLog(id, [
      { at: 1, attempt: 1, level: 'info', text: 'a' },
      { at: 2, attempt: 1, level: 'warn', text: 'b' },
    ]);
    await store.appendLog(id, [{ at: 3, attempt: 1, level: 'info', text: 'c' }]);
    assert.equal(
      (await store.readLog(id, 1, 10)).map((line) => [line.seq, line.text]),
      [
        [2, 'b'],
        [3, 'c'],
      ],
    );
  });

  test('expiry takes ended jobs with logs and names their result files', async () => {
    const id = await store.addJob(JOB);
    await store.appendLog(id, [{ at: 1, attempt: 1, level: 'info', text: 'a' }]);
    await store.finishJob(await claimOne(), {
      ...SUCCESS,
      result: { runIds: [], resultFile: { uri: 'file:///r', rows: 1, columns: ['a'], expiresAt: 0 } },
    });
    const open = await store.addJob(JOB);
    await delay(2);
    assert.equal(await store.expireJobs((await store.now()) + 1, 10), { ids: [id], resultFiles: ['file:///r'] });
    assert.is(await store.getJob(id), undefined);
    assert.equal(await store.readLog(id, 0, 10), []);
    assert.ok(await store.getJob(open));
  });

  test('schedules: new, changed and vanished ones; a pause is kept', async () => {
    const define = (name: string, hash: string, next: number) => ({
      name,
      definitionHash: hash,
      nextAfter: () => ({ nextTime: next, dueAt: next + 5 }),
    });
    await store.syncSchedules([define('a', '1', 100), define('b', '1', 200)]);
    await store.pauseSchedule('b', true);
    await store.syncSchedules([define('a', '1', 999), define('b', '2', 300)]);
    assert.equal(
      (await store.listSchedules()).map((s) => [s.name, s.nextTime, s.dueAt, s.paused]),
      [
        ['a', 100, 105, false],
        ['b', 300, 305, true],
      ],
    );
    await store.syncSchedules([define('b', '2', 400)]);
    assert.is((await store.getSchedule('a'))?.nextTime, null);
    assert.equal(
      (await store.dueSchedules(9)).map((s) => s.name),
      ['b'],
    );
    assert.is(await store.pauseSchedule('none', true), false);
  });

  test('a step is made once, however many processes try', async () => {
    await store.syncSchedules([{ name: 'a', definitionHash: '1', nextAfter: () => ({ nextTime: 100, dueAt: 100 }) }]);
    const step = { name: 'a', expectedNext: 100, firings: [{ nominalTime: 100, outcome: 'queued' as const, job: JOB }], nextTime: 200, dueAt: 200 };
    const made = await Promise.all(Array.from({ length: 4 }, () => store.stepSchedule(step)));
    assert.is(made.filter(Boolean).length, 1);
    const [firing] = await store.listFirings('a', {});
    assert.equal([firing?.nominalTime, firing?.outcome], [100, 'queued']);
    assert.is((await store.listJobs({})).length, 1);
    assert.is(firing?.jobId, (await store.listJobs({}))[0]?.id);
    assert.is((await store.getSchedule('a'))?.nextTime, 200);
  });

  test('a firing that cancels earlier jobs: queued ones end, running ones keep the reason until they have ended', async () => {
    await store.syncSchedules([{ name: 'daily', definitionHash: '1', nextAfter: () => ({ nextTime: 100, dueAt: 100 }) }]);
    const fire = async (time: number): Promise<void> => {
      const job = { ...JOB, nominalTime: time, uses: ['schedule:daily'] };
      const firings = [{ nominalTime: time, outcome: 'queued' as const, job, cancelsEarlier: true }];
      assert.is(await store.stepSchedule({ name: 'daily', expectedNext: time, firings, nextTime: time + 100, dueAt: time + 100 }), true);
    };
    await fire(100);
    await fire(200);
    const [second, first] = await store.listJobs({});
    assert.equal([first?.status, first?.error?.code, second?.status], ['killed', 'JOB_SUPERSEDED', 'queued']);
    const running = await claimOne();
    await fire(300);
    assert.equal((await store.claimJobs(server, 5, new Map())).length, 0);
    assert.equal(
      (await store.heldJobs(server)).map(({ id, killRequested }) => [id, killRequested]),
      [[second?.id, true]],
    );
    // Drained before it was killed: it is not begun anew.
    await store.returnJob(running);
    const ended = await store.getJob(running.id);
    assert.equal([ended?.status, ended?.error?.code, ended?.holder], ['killed', 'JOB_SUPERSEDED', null]);
    assert.is((await claimOne()).nominalTime, 300);
  });

  test('a missed promise is recorded by one of many, and so is its end', async () => {
    const define = (slaHash: string) => [{ name: 'daily', definitionHash: '1', slaHash, nextAfter: () => ({ nextTime: 100, dueAt: 100 }) }];
    await store.syncSchedules(define(''));
    assert.equal(await store.dueSlas(9), []);
    await store.syncSchedules(define('1'));
    // It is looked at from the next millisecond on.
    let [due] = await store.dueSlas(9);
    for (let tries = 0; due === undefined && tries < 1000; tries++) [due] = await store.dueSlas(9);
    const from = due?.slaFrom ?? -1;
    assert.ok(due?.name === 'daily' && due.slaHash === '1' && from > 0);
    const step = { name: 'daily', expectedFrom: from, from: from + 1, checkAt: null };
    const misses = [
      { kind: 'finish_within' as const, nominalTime: JOB.nominalTime ?? 0, deadline: 200 },
      { kind: 'max_age' as const, nominalTime: 50, deadline: 150 },
    ];
    const tell = ({ missed }: SlaChanges): NewMessage[] => missed.map(({ kind }) => ({ target: 'ops', content: { kind } }));
    const made = await Promise.all(Array.from({ length: 4 }, () => store.stepSla({ ...step, misses }, tell)));
    assert.is(made.flatMap(({ missed }) => missed).length, 2);
    assert.is(await store.countMessages(), 2, 'recorded by the one that found them');
    const again = { ...step, expectedFrom: from + 1, misses: [...misses, { kind: 'max_age' as const, nominalTime: 60, deadline: 160 }] };
    assert.equal(await store.stepSla(again), { missed: [], met: [] }, 'one lapse at a time');
    assert.equal((await store.listSlaMisses({ open: true })).map(({ kind }) => kind).sort(), ['finish_within', 'max_age']);
    assert.equal(await store.dueSlas(9), []);

    await store.addJob(JOB);
    await store.finishJob(await claimOne(), SUCCESS);
    assert.equal(
      (await store.dueSlas(9)).map(({ name }) => name),
      ['daily'],
      'a success has it looked at again',
    );
    const ends = await Promise.all(Array.from({ length: 4 }, () => store.stepSla({ ...again, misses: [] })));
    assert.equal(
      ends
        .flatMap(({ met }) => met)
        .map(({ kind }) => kind)
        .sort(),
      ['finish_within', 'max_age'],
    );
    assert.equal(await store.listSlaMisses({ open: true, schedule: 'daily' }), []);
    assert.is((await store.listSlaMisses({ schedule: 'daily' })).length, 2);
    await store.syncSchedules([]);
    assert.equal([(await store.getSchedule('daily'))?.slaFrom, (await store.getSchedule('daily'))?.slaHash], [null, '']);
    await store.expireJobs(Number.MAX_SAFE_INTEGER, 100);
    assert.equal(await store.listSlaMisses({}), []);
  });

  test('a period is committed by one job only', async () => {
    await store.transaction((tx) => store.claimPeriod(tx, 'a', 100, 'job-1'));
    await store.transaction((tx) => store.claimPeriod(tx, 'a', 100, 'job-1'));
    const error = await errorOf(() => store.transaction((tx) => store.claimPeriod(tx, 'a', 100, 'job-2')));
    assert.is(error.code, 'PERIOD_COMMITTED');
    await store.transaction((tx) => store.claimPeriod(tx, 'a', 200, 'job-2'));
  });

  test('keys are stored as hashes, counted, and revoked', async () => {
    await store.addKey({ id: 'k1', hash: 'abc', description: 'ci', scopes: ['read'], databases: ['shop'], expiresAt: null });
    await store.recordKeyUse([{ id: 'k1', uses: 3, lastUsedAt: 5 }]);
    await store.recordKeyUse([{ id: 'k1', uses: 2, lastUsedAt: 7 }]);
    const key = await store.getKey('k1');
    assert.equal([key?.hash, key?.scopes, key?.databases, key?.uses, key?.lastUsedAt], ['abc', ['read'], ['shop'], 5, 7]);
    assert.is(await store.revokeKey('k1'), true);
    assert.is(await store.revokeKey('k1'), false);
    assert.ok((await store.listKeys())[0]?.revokedAt);
  });

  test('filters and pages of the list', async () => {
    for (let i = 0; i < 5; i++) await store.addJob({ ...JOB, name: i % 2 === 0 ? 'even' : 'odd', tags: i === 3 ? ['x_y'] : [] });
    const all = await store.listJobs({});
    assert.is(all.length, 5);
    assert.equal(
      (await store.listJobs({ before: all[1]?.id ?? '', limit: 2 })).map((job) => job.id),
      all.slice(2, 4).map((job) => job.id),
    );
    assert.is((await store.listJobs({ name: 'odd' })).length, 2);
    assert.is((await store.listJobs({ tag: 'x_y' })).length, 1);
    assert.is((await store.listJobs({ tag: 'xzy' })).length, 0);
  });

  if (kind === 'sqlite') {
    test('a second server is refused, by name of the first', async () => {
      const error = await errorOf(() => store.registerServer('second'));
      assert.is(error.code, 'LEASE_HELD');
      assert.match(error.message, 'test');
    });
  } else {
    test('several servers live side by side', async () => {
      const other = await store.registerServer('second');
      assert.is(await store.countServers(), 2);
      await other.release();
      assert.is(await store.countServers(), 1);
    });
  }

  test.run();
}
