import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScheduleDefinition } from '../../../src/core/config/index.js';
import { timesBetween } from '../../../src/core/schedule/next-time.js';
import type { Firing, JobRecord } from '../../../src/core/spi/index.js';
import { HOUR, MINUTE, schedule, Simulation, survives } from './simulation.js';
import { cronText, wallTimes, type SimpleCron } from '../../schedule/wall-oracle.js';

const FULL = process.env['SLUICE_ROUNDS'] === 'full';
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca'] as const;
/** Clocks change around these times in some of the zones. */
const EDGES = [
  '2026-03-29T00:00:00Z',
  '2026-10-25T00:00:00Z',
  '2026-03-08T06:00:00Z',
  '2026-11-01T05:00:00Z',
  '2026-04-04T14:00:00Z',
  '2011-12-30T09:00:00Z',
];

const subset = (max: number, length: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: length });
const simpleCron: fc.Arbitrary<SimpleCron> = fc.record({
  minutes: subset(59, 3),
  hours: fc.option(fc.oneof(subset(23, 5), subset(3, 4)), { nil: undefined, freq: 2 }),
  weekdays: fc.option(subset(6, 5), { nil: undefined, freq: 3 }),
});
const startTime = fc.oneof(
  fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -30, max: 30 })).map(([edge, hours]) => Date.parse(edge) + hours * HOUR + 1),
  fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }),
);

type Action =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'tick'; readonly process: number }
  | { readonly do: 'ticks' }
  | { readonly do: 'crash'; readonly call: number; readonly after: boolean; readonly process: number }
  | { readonly do: 'pause'; readonly paused: boolean }
  | { readonly do: 'finish'; readonly success: boolean }
  | { readonly do: 'restart' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 10 * MINUTE }),
        fc.integer({ min: 1, max: 5 * HOUR }),
        fc.integer({ min: HOUR, max: 30 * HOUR }),
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('tick' as const), process: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 3, arbitrary: fc.constant<Action>({ do: 'ticks' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      call: fc.integer({ min: 0, max: 8 }),
      after: fc.boolean(),
      process: fc.integer({ min: 0, max: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const), paused: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish' as const), success: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'restart' }) },
);

interface Ticks {
  /** Times of ticks that ran to their end. */
  readonly whole: number[];
  /** Of those that were cut short. */
  readonly cut: number[];
}

/** One schedule's life by chance; answers when it ticked and when it was paused. */
async function live(simulation: Simulation, definition: ScheduleDefinition, actions: readonly Action[]) {
  const { store } = simulation;
  const ticks: Ticks = { whole: [], cut: [] };
  const pauses: { readonly from: number; readonly paused: boolean }[] = [];
  simulation.definitions = [definition];
  await simulation.scheduler().sync();
  const created = simulation.now;
  for (const each of [...actions, { do: 'ticks' } as const]) {
    // No two things happen at the same time.
    simulation.now += 1;
    switch (each.do) {
      case 'wait':
        simulation.now += each.ms;
        break;
      case 'tick':
        await simulation.scheduler(each.process).tick();
        ticks.whole.push(simulation.now);
        break;
      case 'ticks':
        await Promise.all([simulation.scheduler(0).tick(), simulation.scheduler(1).tick()]);
        ticks.whole.push(simulation.now);
        break;
      case 'crash':
        ((await survives(simulation.scheduler(each.process, each).tick())) ? ticks.whole : ticks.cut).push(simulation.now);
        break;
      case 'pause':
        await store.pauseSchedule(definition.name, each.paused);
        pauses.push({ from: simulation.now, paused: each.paused });
        break;
      case 'finish':
        for (const job of await store.listJobs({ name: definition.name, open: true })) await simulation.finish(job, each.success);
        break;
      case 'restart':
        await simulation.scheduler(1).sync();
    }
  }
  const pausedAt = (time: number): boolean => pauses.findLast((pause) => pause.from <= time)?.paused ?? false;
  return { created, ticks, pausedAt };
}

/** The outcome that the documented rules give a time that was handled at `at`. */
function expectedOutcome(
  definition: ScheduleDefinition,
  times: readonly number[],
  time: number,
  at: number,
  paused: boolean,
  jobs: readonly JobRecord[],
): Firing['outcome'] {
  const delay = definition.delaySecs * 1000;
  if (!definition.enabled) return 'skipped_disabled';
  if (paused) return 'skipped_paused';
  const newerIsDue = times.some((other) => other > time && other + delay <= at);
  const missed = at - time - delay > MINUTE;
  if (missed && definition.catchUp === 'none') return 'skipped_missed';
  if (missed && definition.catchUp === 'latest' && newerIsDue) return 'skipped_missed';
  const open = jobs.some((job) => (job.nominalTime ?? 0) < time && job.createdAt <= at && (job.finishedAt ?? Infinity) > at);
  if (definition.overlap === 'skip' && open && !(missed && definition.catchUp === 'all')) return 'skipped_overlap';
  return 'queued';
}

/** Sleeps over five hours, of which it makes up for the last one. */
const CATCHES_UP = { delaySecs: 0, catchUp: 'latest', overlap: 'skip', enabled: true } as const;
const SLEEPS: Action[] = [{ do: 'wait', ms: 5 * HOUR }, { do: 'ticks' }];

let simulation: Simulation;
let lives = 0;
test.before(async () => {
  simulation = await Simulation.open(2);
});
test.after(() => simulation.close());

test('each nominal time gets exactly one outcome: the one that its policy says, at the first tick that could', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      simpleCron,
      fc.constantFrom(...ZONES),
      startTime,
      fc.record({
        delaySecs: fc.constantFrom(0, 0, 30, 3600),
        catchUp: fc.constantFrom('all' as const, 'latest' as const, 'none' as const),
        overlap: fc.constantFrom('skip' as const, 'queue' as const, 'allow' as const, 'cancel_previous' as const),
        enabled: fc.constantFrom(true, true, true, true, false),
      }),
      fc.array(action, { minLength: 5, maxLength: 30 }),
      async (cron, zone, start, policy, actions) => {
        const { store } = simulation;
        simulation.now = start;
        const definition = schedule(`life-${++lives}`, cronText(cron), zone, policy);
        const { created, ticks, pausedAt } = await live(simulation, definition, actions);
        const times = wallTimes(cron, zone, created, simulation.now - policy.delaySecs * 1000);
        const firings = await store.listFirings(definition.name, { limit: 100_000 });
        assert.equal(firings.map((firing) => firing.nominalTime).reverse(), times, 'one firing for each time of the oracle');
        const jobs = [];
        for (const firing of firings) {
          if (firing.outcome === 'queued') jobs.push((await store.getJob(firing.jobId ?? '')) as JobRecord);
          else assert.is(firing.jobId, null);
        }
        assert.is((await store.listJobs({ name: definition.name, limit: 1000 })).length, Math.min(1000, jobs.length), 'no job without a firing');
        for (const { nominalTime, outcome, recordedAt } of firings) {
          const due = nominalTime + policy.delaySecs * 1000;
          const first = ticks.whole.find((tick) => tick >= due);
          assert.ok(recordedAt === first || (ticks.cut.includes(recordedAt) && recordedAt >= due && recordedAt < (first ?? 0)), 'at the first tick');
          const expected = expectedOutcome(definition, times, nominalTime, recordedAt, pausedAt(recordedAt), jobs);
          assert.is(outcome, expected, `${definition.cron} ${zone} ${new Date(nominalTime).toISOString()}`);
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
        // Nothing was claimed while a time came, so what is superseded ended there and then.
        if (policy.overlap === 'cancel_previous')
          for (const [i, job] of jobs.entries()) {
            const [next] = jobs.slice(0, i).slice(-1);
            if (next) assert.ok(job.status !== 'queued' && (job.finishedAt ?? Infinity) <= next.createdAt, 'ended before the next one began');
            if (job.status === 'killed') assert.is(job.error?.code, 'JOB_SUPERSEDED');
          }
        for (const job of jobs)
          assert.equal([job.trigger, job.payload['scheduledTime'], job.payload['schedule']], ['timer', job.nominalTime, job.name]);
      },
    ),
    {
      numRuns: FULL ? 500 : 14,
      examples: [[{ minutes: [0], hours: undefined, weekdays: undefined }, 'UTC', Date.UTC(2026, 0, 5, 0, 30), CATCHES_UP, SLEEPS]],
    },
  );
  // The first life shows these whatever the others do; the single ones are in scheduler.test.ts.
  for (const outcome of ['queued', 'skipped_missed']) assert.ok((seen.get(outcome) ?? 0) > 0, `${outcome} came about`);
});

test('a schedule that depends on another runs when all of its times since the one before have succeeded', async () => {
  const seen = new Set<string>();
  const step = fc.record({
    wait: fc.integer({ min: 1, max: 100 }),
    finish: fc.constantFrom('none' as const, 'success' as const, 'success' as const, 'error' as const),
    repair: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('0 * * * *', '*/20 * * * *', '0 */2 * * *'),
      fc.constantFrom('30 */3 * * *', '0 */3 * * *', '5 * * * *'),
      fc.constantFrom('all' as const, 'latest' as const),
      fc.array(step, { minLength: 10, maxLength: 40 }),
      async (upperCron, lowerCron, catchUp, steps) => {
        const { store } = simulation;
        const id = ++lives;
        simulation.now = Date.UTC(2026, 0, 5, 0, 0, 1);
        const upper = schedule(`upper-${id}`, upperCron, 'UTC', { catchUp, overlap: 'queue' });
        const lower = schedule(`lower-${id}`, lowerCron, 'UTC', { catchUp, overlap: 'queue', dependsOn: [upper.name] });
        simulation.definitions = [lower, upper];
        await simulation.scheduler().sync();
        const created = simulation.now;
        for (const { wait, finish, repair } of steps) {
          simulation.now += wait * MINUTE;
          await simulation.scheduler(0).tick();
          simulation.now += 1000;
          if (finish !== 'none')
            for (const job of await store.listJobs({ name: upper.name, open: true })) await simulation.finish(job, finish === 'success');
          if (repair) for (const job of await store.listJobs({ name: upper.name, status: 'error', limit: 1 })) await store.retryJob(job.id);
          simulation.now += 20_000;
          await Promise.all([simulation.scheduler(0).tick(), simulation.scheduler(1).tick()]);
        }
        const until = simulation.now;
        const upperTimes = timesBetween(upper.times.cron, upper.times.zone, created, until, 100_000);
        const lowerTimes = timesBetween(lower.times.cron, lower.times.zone, created, until, 100_000);
        const jobs = await store.listJobs({ name: upper.name, limit: 1000 });
        const firings = new Map((await store.listFirings(lower.name, { limit: 10_000 })).map((firing) => [firing.nominalTime, firing]));
        for (const [i, time] of lowerTimes.entries()) {
          const needed = upperTimes.filter((other) => other > (lowerTimes[i - 1] ?? 0) && other <= time);
          const succeeded = (at: number): boolean =>
            needed.every((other) => jobs.some((job) => job.nominalTime === other && job.status === 'success' && (job.finishedAt ?? 0) <= at));
          const firing = firings.get(time);
          seen.add(firing?.outcome ?? 'waits');
          if (firing?.outcome === 'queued') assert.ok(succeeded(firing.recordedAt), 'runs only after all of them');
          else if (firing?.outcome === 'skipped_dependency') {
            assert.not(succeeded(firing.recordedAt));
            assert.ok((lowerTimes[i + 1] ?? Infinity) <= firing.recordedAt, 'not given up before its next time is due');
          } else if (firing) assert.is(firing.outcome, 'skipped_missed');
          else assert.ok(!succeeded(until) || firings.size <= i, 'waits for a reason');
        }
        // Outcomes come in order: behind one that waits there is none.
        assert.equal([...firings.keys()].reverse(), lowerTimes.slice(0, firings.size));
        const first = lowerTimes[firings.size];
        if (first !== undefined) {
          const needed = upperTimes.filter((other) => other > (lowerTimes[firings.size - 1] ?? 0) && other <= first);
          assert.ok(
            needed.some((other) => !jobs.some((job) => job.nominalTime === other && job.status === 'success')),
            'the first one waits for a job',
          );
        }
      },
    ),
    {
      numRuns: FULL ? 200 : 8,
      examples: [['0 * * * *', '5 * * * *', 'all', Array.from({ length: 10 }, () => ({ wait: 60, finish: 'success', repair: false }))]],
    },
  );
  assert.ok(seen.has('queued'), 'some ran');
});

test.run();
