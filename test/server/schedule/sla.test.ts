import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScheduleDefinition, ScheduleSla } from '../../../src/core/config/index.js';
import { schedule, Simulation } from './simulation.js';

let simulation: Simulation;
test.before.each(async () => {
  simulation = await Simulation.open(2);
  simulation.now = Date.parse('2026-01-05T10:00:01Z');
});
test.after.each(() => simulation.close());

const promising = (name: string, sla: Partial<ScheduleSla>, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition => {
  const whole = { finishWithinSecs: null, maxAgeSecs: null, ...sla };
  return schedule(name, '0 * * * *', 'UTC', { sla: whole, slaHash: JSON.stringify(whole), ...more });
};
const define = async (...definitions: readonly ScheduleDefinition[]): Promise<void> => {
  simulation.definitions = definitions;
  await simulation.scheduler().sync();
};
/** What is told at that time, by two processes together. */
const at = async (time: string): Promise<readonly string[]> => {
  simulation.now = Date.parse(`2026-01-05T${time}Z`);
  await simulation.scheduler().tick();
  const told = await Promise.all([simulation.slaWatch(0).check(), simulation.slaWatch(1).check()]);
  return told
    .flat()
    .map(({ event, sla: { miss, promise } }) => `${event} ${miss.schedule} ${new Date(miss.nominalTime).toISOString().slice(11, 19)} ${promise}`)
    .sort();
};
const finish = async (name: string, time: string, success = true): Promise<void> => {
  simulation.now = Date.parse(`2026-01-05T${time}Z`);
  for (const job of await simulation.store.listJobs({ name, open: true })) await simulation.finish(job, success);
};
const open = async (): Promise<readonly string[]> => (await simulation.store.listSlaMisses({ open: true })).map(({ schedule: name }) => name);

test('a time that has not succeeded by then is told, and told again when it has', async () => {
  await define(promising('a', { finishWithinSecs: 1800 }, { overlap: 'queue' }));
  assert.equal(await at('11:00:00'), []);
  assert.equal(await at('11:30:00'), [], 'a success of this very moment might be seen a little later');
  assert.equal(await at('11:30:01'), ['sla_missed a 11:00:00 finish_within: 30m']);
  assert.equal(await at('11:30:02'), []);
  assert.equal(await open(), ['a']);
  await finish('a', '11:40:00');
  assert.equal(await at('11:40:01'), ['sla_met a 11:00:00 finish_within: 30m']);
  assert.equal(await open(), []);
  await at('12:00:00');
  await finish('a', '12:30:00');
  assert.equal(await at('12:31:00'), [], 'in time to the second');
});

test('a failure is made good by a later time: it is no longer open, but was missed', async () => {
  await define(promising('a', { finishWithinSecs: 600 }));
  await at('11:00:00');
  await finish('a', '11:01:00', false);
  assert.equal(await at('11:10:01'), ['sla_missed a 11:00:00 finish_within: 10m']);
  await at('12:00:00');
  await finish('a', '12:01:00');
  assert.equal(await at('12:15:00'), []);
  assert.equal(await open(), []);
  const [failed] = await simulation.store.listJobs({ name: 'a', status: 'error' });
  await simulation.store.retryJob(failed?.id ?? '');
  await finish('a', '12:20:00');
  assert.equal(await at('12:20:01'), ['sla_met a 11:00:00 finish_within: 10m']);
});

test('what waits for others is late, too, also what waits behind it; skipped and paused times are not', async () => {
  await define(
    promising('below', { finishWithinSecs: 1200 }, { dependsOn: ['above'], catchUp: 'all' }),
    schedule('above', '0 * * * *'),
    promising('skips', { finishWithinSecs: 5400 }),
    promising('paused', { finishWithinSecs: 60 }),
  );
  await simulation.store.pauseSchedule('paused', true);
  assert.equal(await at('11:00:00'), []);
  assert.equal(await at('11:20:01'), ['sla_missed below 11:00:00 finish_within: 20m']);
  assert.equal(await at('12:00:00'), []);
  assert.equal(await at('12:20:01'), ['sla_missed below 12:00:00 finish_within: 20m']);
  assert.equal(await at('12:30:01'), ['sla_missed skips 11:00:00 finish_within: 90m']);
  assert.equal(await at('13:30:01'), ['sla_missed below 13:00:00 finish_within: 20m'], 'skips had its 12:00 skipped');
});

test('max_age counts from the last success, or from the first sight, and not while paused', async () => {
  await define(promising('a', { maxAgeSecs: 7200 }), promising('p', { maxAgeSecs: 7200 }));
  await simulation.store.pauseSchedule('p', true);
  assert.equal(await at('12:00:01'), []);
  assert.equal(await at('12:00:02'), ['sla_missed a 10:00:01 max_age: 2h']);
  assert.equal(await at('13:00:00'), []);
  await finish('a', '13:05:00');
  assert.equal(await at('13:05:01'), ['sla_met a 10:00:01 max_age: 2h']);
  assert.equal(await at('15:05:00'), []);
  await simulation.store.pauseSchedule('p', false);
  assert.equal(await at('15:05:01'), ['sla_missed a 13:05:00 max_age: 2h', 'sla_missed p 10:00:01 max_age: 2h']);
});

test('a promise that is new or changed holds for the times from then on; one that is taken out is forgotten', async () => {
  const plain = schedule('a', '0 * * * *', 'UTC', { overlap: 'queue' });
  await define(plain);
  assert.equal(await at('11:00:00'), []);
  simulation.now += 60_000;
  await define(promising('a', { finishWithinSecs: 600 }, { overlap: 'queue' }));
  assert.equal(await at('11:20:00'), []);
  await at('12:00:00');
  assert.equal(await at('12:10:01'), ['sla_missed a 12:00:00 finish_within: 10m']);
  await at('13:00:00');
  await define(plain);
  assert.equal(await at('13:30:00'), []);
  assert.equal((await simulation.store.listSlaMisses({})).length, 1);
});

test.run();
