import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScheduleDefinition } from '../../../src/core/config/index.js';
import type { JobRecord } from '../../../src/core/spi/index.js';
import { startHeartbeat } from '../../../src/server/schedule/heartbeat.js';
import { schedule, Simulation } from './simulation.js';

let simulation: Simulation;
test.before.each(async () => {
  simulation = await Simulation.open(1);
  simulation.now = Date.parse('2026-01-05T10:00:01Z');
});
test.after.each(() => simulation.close());

const define = async (...definitions: readonly ScheduleDefinition[]): Promise<void> => {
  simulation.definitions = definitions;
  await simulation.scheduler().sync();
};
const tickAt = async (time: string): Promise<void> => {
  simulation.now = Date.parse(`2026-01-05T${time}Z`);
  await simulation.scheduler().tick();
};
/** `11:00 queued`, oldest first. */
const outcomes = async (name = 'a'): Promise<readonly string[]> =>
  (await simulation.store.listFirings(name, {}))
    .map((firing) => `${new Date(firing.nominalTime).toISOString().slice(11, 16)} ${firing.outcome}`)
    .reverse();
const finishAll = async (success = true, name?: string): Promise<void> => {
  for (const job of await simulation.store.listJobs({ open: true, ...(name === undefined ? {} : { name }) })) await simulation.finish(job, success);
};

test('after three hours without a scheduler: all, the latest, or none', async () => {
  const afterDowntime = {
    all: ['11:00 queued', '12:00 queued', '13:00 queued'],
    latest: ['11:00 skipped_missed', '12:00 skipped_missed', '13:00 queued'],
  };
  await define(
    schedule('all', '0 * * * *', 'UTC', { catchUp: 'all' }),
    schedule('latest', '0 * * * *', 'UTC', { catchUp: 'latest' }),
    schedule('none', '0 * * * *', 'UTC', { catchUp: 'none' }),
  );
  await tickAt('13:30:00');
  assert.equal(await outcomes('all'), afterDowntime.all);
  assert.equal(await outcomes('latest'), afterDowntime.latest);
  assert.equal(await outcomes('none'), ['11:00 skipped_missed', '12:00 skipped_missed', '13:00 skipped_missed']);
  await tickAt('14:00:00');
  assert.is((await outcomes('none')).at(-1), '14:00 queued');
  // Times that were caught up run one after the other.
  const [job] = await simulation.store.listJobs({ name: 'all' });
  assert.equal(job?.uses, ['schedule:all']);
});

test('a time that is due while an earlier job has not ended: skipped, queued behind, or beside it', async () => {
  await define(
    schedule('skip', '0 * * * *', 'UTC', { overlap: 'skip' }),
    schedule('queue', '0 * * * *', 'UTC', { overlap: 'queue' }),
    schedule('allow', '0 * * * *', 'UTC', { overlap: 'allow' }),
  );
  await tickAt('11:00:00');
  await tickAt('12:00:01');
  await finishAll();
  await tickAt('13:00:00');
  assert.equal(await outcomes('skip'), ['11:00 queued', '12:00 skipped_overlap', '13:00 queued']);
  assert.equal(await outcomes('queue'), ['11:00 queued', '12:00 queued', '13:00 queued']);
  assert.equal(await outcomes('allow'), ['11:00 queued', '12:00 queued', '13:00 queued']);
  assert.equal((await simulation.store.listJobs({ name: 'queue' })).map((job) => job.uses)[0], ['schedule:queue']);
  assert.equal((await simulation.store.listJobs({ name: 'allow' })).map((job) => job.uses)[0], []);
});

test('cancel_previous: the queued job of the earlier time ends, the running one is to be killed, others stay', async () => {
  const { store } = simulation;
  await define(schedule('a', '*/5 * * * * *', 'UTC', { overlap: 'cancel_previous' }), schedule('b', '*/5 * * * * *', 'UTC', { overlap: 'queue' }));
  await tickAt('10:00:05');
  const template = (await store.listJobs({ name: 'a' }))[0];
  assert.ok(template);
  const backfill = await store.addJob({ ...(template as NonNullable<typeof template>), trigger: 'backfill', uses: [] });
  await tickAt('10:00:10');
  const [second, first] = (await store.listJobs({ name: 'a' })).filter(({ trigger }) => trigger === 'timer');
  assert.equal([first?.status, first?.error?.code, second?.status, second?.uses], ['killed', 'JOB_SUPERSEDED', 'queued', ['schedule:a']]);
  assert.match(first?.error?.message ?? '', 'when the next time of a came, 2026-01-05T10:00:10.000Z');
  assert.match(first?.error?.hint ?? '', 'overlap: queue');
  const server = await store.registerServer('one');
  const claimed = (await store.claimJobs(server.id, 9, new Map())).find(({ id }) => id === second?.id);
  assert.ok(claimed);
  await tickAt('10:00:15');
  assert.equal(
    (await store.heldJobs(server.id)).filter(({ killRequested }) => killRequested).map(({ id }) => id),
    [second?.id],
  );
  // The new one waits until the old one has ended, which keeps the reason.
  assert.is(
    (await store.claimJobs(server.id, 9, new Map())).some(({ name }) => name === 'a'),
    false,
  );
  await store.finishJob(claimed as JobRecord, {
    status: 'killed',
    result: null,
    error: { code: 'JOB_KILLED', message: 'the job was killed' },
    retry: false,
  });
  const ended = await store.getJob(second?.id ?? '');
  assert.equal([ended?.status, ended?.error?.code], ['killed', 'JOB_SUPERSEDED']);
  const [third] = await store.claimJobs(server.id, 9, new Map());
  assert.is(third?.nominalTime, Date.parse('2026-01-05T10:00:15Z'));
  // Its server dies before it has killed it: nobody runs it again.
  await tickAt('10:00:20');
  await server.release();
  const other = await store.registerServer('other');
  const [fourth] = (await store.claimJobs(other.id, 9, new Map())).filter(({ name, trigger }) => name === 'a' && trigger === 'timer');
  assert.is(fourth?.nominalTime, Date.parse('2026-01-05T10:00:20Z'));
  assert.equal([(await store.getJob(third?.id ?? ''))?.status, (await store.getJob(third?.id ?? ''))?.error?.code], ['killed', 'JOB_SUPERSEDED']);
  assert.not.equal((await store.getJob(backfill))?.status, 'killed');
  assert.equal(
    (await store.listJobs({ name: 'b' })).filter(({ status }) => status === 'killed'),
    [],
  );
  await other.release();
});

test('a job has what its schedule says, and the nominal time', async () => {
  await define(
    schedule('a', '0 * * * *', 'UTC', {
      delaySecs: 90,
      priority: 1,
      tags: ['team:a'],
      connections: ['shop'],
      timeoutSecs: 60,
      retries: { limit: 2, initialWaitSecs: 5, maxWaitSecs: 60 },
    }),
  );
  await tickAt('11:01:29');
  assert.equal(await outcomes(), []);
  await tickAt('11:01:30');
  const [job] = await simulation.store.listJobs({ name: 'a' });
  const nominal = Date.parse('2026-01-05T11:00:00Z');
  assert.equal(
    [job?.kind, job?.payload, job?.nominalTime, job?.priority, job?.tags, job?.uses, job?.timeoutMs, job?.maxAttempts, job?.retryWait],
    [
      'sql',
      { kind: 'sql', sql: 'select 1', schedule: 'a', scheduledTime: nominal },
      nominal,
      1,
      ['team:a'],
      ['shop', 'schedule:a'],
      60_000,
      3,
      { initialMs: 5000, maxMs: 60_000 },
    ],
  );
});

test('a paused schedule and a disabled one record their times as skipped', async () => {
  await define(schedule('a', '0 * * * *'), schedule('b', '0 * * * *', 'UTC', { enabled: false }));
  await simulation.store.pauseSchedule('a', true);
  await tickAt('11:00:00');
  await simulation.store.pauseSchedule('a', false);
  await tickAt('12:00:00');
  assert.equal(await outcomes('a'), ['11:00 skipped_paused', '12:00 queued']);
  assert.equal(await outcomes('b'), ['11:00 skipped_disabled', '12:00 skipped_disabled']);
});

test('changes of the config: what was missed before is judged by the new one, nothing is lost or repeated', async () => {
  await define(schedule('a', '0 * * * *', 'UTC', { catchUp: 'all', overlap: 'allow' }));
  await tickAt('11:00:00');
  // Down from here on; edited meanwhile.
  simulation.now = Date.parse('2026-01-05T13:20:00Z');
  await define(schedule('a', '30 * * * *', 'UTC', { catchUp: 'all', overlap: 'allow' }));
  await tickAt('13:20:00');
  assert.equal(await outcomes(), ['11:00 queued', '12:30 queued']);
  // More often: from now on, not from the next time of before.
  await define(schedule('a', '*/5 * * * *', 'UTC', { catchUp: 'all', overlap: 'allow' }));
  await tickAt('13:25:00');
  assert.equal((await outcomes()).slice(2), ['13:25 queued']);
  await define();
  await tickAt('13:40:00');
  await define(schedule('a', '*/5 * * * *', 'UTC', { catchUp: 'all', overlap: 'allow' }));
  await tickAt('13:45:00');
  assert.equal((await outcomes()).slice(3), ['13:45 queued']);
});

test('a process with an older config leaves the schedule to the others', async () => {
  await define(schedule('a', '0 * * * *'));
  const old = simulation.definitions;
  await define(schedule('a', '30 * * * *'));
  simulation.definitions = old;
  await tickAt('12:00:00');
  assert.equal(await outcomes(), []);
});

test('a failed dependency may be repaired until the next time is due', async () => {
  const [a, b] = [schedule('a', '0 * * * *'), schedule('b', '0 * * * *', 'UTC', { dependsOn: ['a'], catchUp: 'none' })];
  await define(a, b);
  await tickAt('11:00:00');
  await finishAll(false, 'a');
  await tickAt('11:30:00');
  assert.equal(await outcomes('b'), []);
  const [failed] = await simulation.store.listJobs({ name: 'a' });
  await simulation.store.retryJob(failed?.id ?? '');
  await finishAll(true, 'a');
  await tickAt('11:30:20');
  // It waited, so it was not missed.
  assert.equal(await outcomes('b'), ['11:00 queued']);
  await finishAll();
  await tickAt('12:00:00');
  await finishAll(false, 'a');
  await tickAt('13:00:00');
  assert.equal((await outcomes('b')).slice(1), ['12:00 skipped_dependency']);
});

test('seconds, in steps of any number, and a schedule that waits holds up no other', async () => {
  await define(
    schedule('a', '* * * * * *', 'UTC', { catchUp: 'none' }),
    ...Array.from({ length: 250 }, (_, i) => schedule(`wait-${i}`, '0 * * * *', 'UTC', { dependsOn: ['slow'] })),
    schedule('slow', '0 * * * *'),
    schedule('z', '0 * * * *'),
  );
  await tickAt('11:00:00');
  assert.is((await simulation.store.listFirings('a', { limit: 10_000 })).length, 3599);
  assert.equal(await outcomes('z'), ['11:00 queued']);
  assert.equal(await outcomes('wait-0'), []);
  await finishAll();
  await tickAt('11:00:30');
  assert.equal(await outcomes('wait-0'), ['11:00 queued']);
  assert.equal(await outcomes('wait-249'), ['11:00 queued']);
});

test('the heart beats one tick at a time, goes on after a failure, and stops', async () => {
  const logged: string[] = [];
  let ticks = 0;
  let busy = 0;
  await new Promise<void>((resolve, reject) => {
    const beating = startHeartbeat(
      {
        tick() {
          ticks++;
          if (ticks === 1) return Promise.reject(new Error('the store is away'));
          assert.is(busy++, 0);
          return Promise.resolve().then(() => {
            busy--;
            if (ticks === 3) void beating.then((heartbeat) => heartbeat.stop().then(() => heartbeat.stop())).then(resolve, reject);
            // More to do: at once.
            return { firings: 1, jobs: 1, more: ticks === 2 };
          });
        },
      },
      { log: (level, message) => logged.push(`${level} ${message}`) },
    );
  });
  assert.is(ticks, 3);
  assert.equal(logged, ['error scheduler: the store is away']);
});

test.run();
