import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobRecord } from '../../../src/core/spi/index.js';
import { SETTLE_MS } from '../../../src/server/schedule/judge-sla.js';
import type { SlaEvent } from '../../../src/server/schedule/sla-watch.js';
import { Crash, HOUR, MINUTE, schedule, Simulation } from './simulation.js';

const FULL = process.env['SLUICE_ROUNDS'] === 'full';

type Action =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'look'; readonly crash: { readonly call: number; readonly after: boolean } | undefined }
  | { readonly do: 'pause'; readonly paused: boolean }
  | { readonly do: 'finish'; readonly success: boolean }
  | { readonly do: 'run'; readonly ms: number }
  | { readonly do: 'repair' };

const looks = fc.option(fc.record({ call: fc.integer({ min: 0, max: 5 }), after: fc.boolean() }), { nil: undefined, freq: 4 });
const action = (pauses: boolean): fc.Arbitrary<Action> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: MINUTE, max: 50 * MINUTE }), fc.integer({ min: HOUR, max: 9 * HOUR })),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('look' as const), crash: looks }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('finish' as const), success: fc.constantFrom(true, true, false) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), ms: fc.integer({ min: MINUTE, max: 70 * MINUTE }) }) },
    { weight: 2, arbitrary: fc.constant<Action>({ do: 'repair' }) },
    ...(pauses ? [{ weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), paused: fc.boolean() }) }] : []),
  );

let simulation: Simulation;
let lives = 0;
test.before(async () => {
  simulation = await Simulation.open(2);
});
test.after(() => simulation.close());

/** What was told over one schedule's life, when it was looked at by processes that lived on, and whether one died in between. */
async function live(name: string, actions: readonly Action[]) {
  const { store } = simulation;
  const told: SlaEvent[] = [];
  const checks: number[] = [];
  let crashed = false;
  await simulation.scheduler().sync();
  const created = simulation.now;
  for (const each of [...actions, { do: 'look', crash: undefined } as const]) {
    // No two things happen at the same time.
    simulation.now += 1;
    switch (each.do) {
      case 'wait':
        simulation.now += each.ms;
        break;
      case 'look': {
        await Promise.all([simulation.scheduler(0).tick(), simulation.scheduler(1).tick()]);
        if (each.crash) {
          const [whole, cut] = await Promise.allSettled([simulation.slaWatch(1).check(), simulation.slaWatch(0, each.crash).check()]);
          if (whole.status === 'rejected') throw whole.reason;
          told.push(...whole.value);
          if (cut.status === 'fulfilled') told.push(...cut.value);
          else if (cut.reason instanceof Crash) crashed = true;
          else throw cut.reason;
        } else for (const events of await Promise.all([simulation.slaWatch(0).check(), simulation.slaWatch(1).check()])) told.push(...events);
        checks.push(simulation.now);
        break;
      }
      case 'pause':
        await store.pauseSchedule(name, each.paused);
        break;
      case 'finish': {
        const open = await store.listJobs({ name, open: true });
        const [oldest] = open.slice(-1);
        if (oldest) await simulation.finish(oldest, each.success);
        break;
      }
      case 'run':
        simulation.now += each.ms;
        await simulation.scheduler(0).tick();
        simulation.now += 1;
        for (const job of [...(await store.listJobs({ name, open: true }))].reverse()) await simulation.finish(job, true);
        break;
      case 'repair':
        for (const { id } of await store.listJobs({ name, status: 'error', limit: 1 })) await store.retryJob(id);
    }
  }
  return { told, checks, crashed, created };
}

const timesOf = (told: readonly SlaEvent[], event: SlaEvent['event']): readonly number[] =>
  told
    .filter((each) => each.event === event)
    .map(({ sla }) => sla.miss.nominalTime)
    .sort((a, b) => a - b);

test('finish_within: each time that was wanted and did not succeed by then is told once, and once more when it does', async () => {
  const seen = { missed: 0, met: 0, kept: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('0 * * * *', '*/20 * * * *', '0 */3 * * *'),
      fc.constantFrom(30, 40 * 60, 2 * 3600, 5 * 3600),
      fc.constantFrom('all' as const, 'latest' as const, 'none' as const),
      fc.constantFrom('skip' as const, 'queue' as const, 'cancel_previous' as const),
      fc.array(action(true), { minLength: 15, maxLength: 50 }),
      async (cron, finishWithinSecs, catchUp, overlap, actions) => {
        const { store } = simulation;
        simulation.now = Date.UTC(2026, 0, 5, 0, 0, 1);
        const name = `sla-${++lives}`;
        const sla = { finishWithinSecs, maxAgeSecs: null };
        simulation.definitions = [schedule(name, cron, 'UTC', { catchUp, overlap, sla, slaHash: JSON.stringify(sla) })];
        const { told, crashed } = await live(name, actions);
        const within = finishWithinSecs * 1000;
        const judged = (await store.listFirings(name, { limit: 10_000 })).filter(
          ({ nominalTime, outcome }) => outcome === 'queued' && nominalTime + within <= simulation.now - SETTLE_MS,
        );
        const late = judged.filter(({ nominalTime, succeededAt }) => succeededAt === null || succeededAt > nominalTime + within);
        const expected = late.map(({ nominalTime }) => nominalTime).sort((a, b) => a - b);
        const misses = await store.listSlaMisses({ schedule: name, limit: 10_000 });
        assert.equal(
          misses.map(({ nominalTime }) => nominalTime).sort((a, b) => a - b),
          expected,
          'recorded misses',
        );
        for (const { nominalTime, deadline, metAt } of misses) {
          assert.is(deadline, nominalTime + within);
          assert.is(metAt, late.find((firing) => firing.nominalTime === nominalTime)?.succeededAt ?? null, 'when it was met after all');
        }
        for (const [event, all] of [
          ['sla_missed', expected],
          ['sla_met', misses.filter(({ metAt }) => metAt !== null).map(({ nominalTime }) => nominalTime)],
        ] as const) {
          const times = timesOf(told, event);
          assert.is(new Set(times).size, times.length, `${event} is told once`);
          // A process may die between what it recorded and what it would have said.
          if (!crashed)
            assert.equal(
              times,
              [...all].sort((a, b) => a - b),
              event,
            );
          else for (const time of times) assert.ok(all.includes(time), event);
        }
        seen.missed += late.length;
        seen.met += late.filter(({ succeededAt }) => succeededAt !== null).length;
        seen.kept += judged.length - late.length;
      },
    ),
    { numRuns: FULL ? 400 : 25 },
  );
  // A life that keeps all its promises is rare: a few rounds may go without one.
  assert.ok(seen.missed > 0 && seen.met > 0 && (!FULL || seen.kept > 0), JSON.stringify(seen));
});

test('max_age: each lapse is told once, and its end', async () => {
  const seen = { missed: 0, met: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('0 * * * *', '*/20 * * * *'),
      fc.constantFrom(40 * 60, 3 * 3600, 26 * 3600),
      fc.array(action(false), { minLength: 15, maxLength: 50 }),
      async (cron, maxAgeSecs, actions) => {
        const { store } = simulation;
        simulation.now = Date.UTC(2026, 0, 5, 0, 0, 1);
        const name = `sla-${++lives}`;
        const sla = { finishWithinSecs: null, maxAgeSecs };
        simulation.definitions = [schedule(name, cron, 'UTC', { sla, slaHash: JSON.stringify(sla) })];
        const { told, checks, crashed, created } = await live(name, actions);
        const ends = (await store.listJobs({ name, status: 'success', limit: 1000 })).map((job: JobRecord) => job.finishedAt ?? 0);
        const sinceAt = (time: number): number => Math.max(created, ...ends.filter((end) => end <= time));
        const lapses = new Set(
          checks
            .map((time) => [time, sinceAt(time)] as const)
            .filter(([time, since]) => since + maxAgeSecs * 1000 <= time - SETTLE_MS)
            .map(([, since]) => since),
        );
        const expected = [...lapses].sort((a, b) => a - b);
        const misses = await store.listSlaMisses({ schedule: name, limit: 1000 });
        assert.equal(
          misses.map(({ nominalTime }) => nominalTime).sort((a, b) => a - b),
          expected,
        );
        for (const { nominalTime, metAt } of misses)
          assert.is(metAt, Math.min(Infinity, ...ends.filter((end) => end > nominalTime)) === Infinity ? null : metAt);
        for (const event of ['sla_missed', 'sla_met'] as const) {
          const times = timesOf(told, event);
          assert.is(new Set(times).size, times.length, `${event} is told once`);
          if (!crashed) assert.equal(times, event === 'sla_missed' ? expected : expected.filter((since) => ends.some((end) => end > since)));
        }
        seen.missed += misses.length;
        seen.met += misses.filter(({ metAt }) => metAt !== null).length;
      },
    ),
    { numRuns: FULL ? 300 : 20 },
  );
  assert.ok(seen.missed > 0 && seen.met > 0, JSON.stringify(seen));
});

test.run();
