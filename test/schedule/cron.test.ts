import { Cron } from 'croner';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../src/core/spi/index.js';
import { parseCron } from '../../src/core/schedule/cron-expression.js';
import { nextTime, previousTime, timesBetween } from '../../src/core/schedule/next-time.js';
import { openZone } from '../../src/core/schedule/zoned-time.js';

const next = (cron: string, zone: string, after: string): string | null => {
  const time = nextTime(parseCron(cron), openZone(zone), Date.parse(after));
  return time === null ? null : new Date(time).toISOString();
};
const between = (cron: string, zone: string, after: string, until: string): readonly string[] =>
  timesBetween(parseCron(cron), openZone(zone), Date.parse(after), Date.parse(until), 1000).map((time) => new Date(time).toISOString());

test('five fields, six fields, names, nicknames, steps and lists', () => {
  assert.is(next('30 2 * * *', 'UTC', '2026-01-01T02:30:00Z'), '2026-01-02T02:30:00.000Z');
  assert.is(next('*/15 * * * * *', 'UTC', '2026-01-01T00:00:01Z'), '2026-01-01T00:00:15.000Z');
  assert.is(next('0 9 * jan-mar mon,WED', 'UTC', '2026-03-31T09:00:00Z'), '2027-01-04T09:00:00.000Z');
  assert.is(next('@daily', 'Asia/Tokyo', '2026-01-01T00:00:00Z'), '2026-01-01T15:00:00.000Z');
  assert.is(next('@hourly', 'UTC', '2026-01-01T00:59:59.999Z'), '2026-01-01T01:00:00.000Z');
  assert.is(next('5/20 * * * *', 'UTC', '2026-01-01T00:26:00Z'), '2026-01-01T00:45:00.000Z');
  assert.is(next('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z'), '2028-02-29T00:00:00.000Z');
  assert.is(next('0 0 L * *', 'UTC', '2026-02-01T00:00:00Z'), '2026-02-28T00:00:00.000Z');
  assert.is(next('0 0 ? * 1#2', 'UTC', '2026-11-01T00:00:00Z'), '2026-11-09T00:00:00.000Z');
  assert.is(next('0 0 * * 5L', 'UTC', '2026-11-01T00:00:00Z'), '2026-11-27T00:00:00.000Z');
  assert.is(next('0 0 * * 7', 'UTC', '2026-11-22T00:00:00Z'), '2026-11-29T00:00:00.000Z');
  // The first of a month, asked for from an earlier one.
  assert.is(next('0 0 * 3 0', 'UTC', '2020-01-01T00:00:00Z'), '2020-03-01T00:00:00.000Z');
});

test('two day fields that both restrict: either one matches', () => {
  assert.equal(between('0 0 13 * fri', 'UTC', '2026-02-01T00:00:00Z', '2026-02-28T00:00:00Z'), [
    '2026-02-06T00:00:00.000Z',
    '2026-02-13T00:00:00.000Z',
    '2026-02-20T00:00:00.000Z',
    '2026-02-27T00:00:00.000Z',
  ]);
  assert.is(next('0 0 */2 * mon', 'UTC', '2026-02-01T00:00:00Z'), '2026-02-09T00:00:00.000Z');
});

test('a fixed time that the clocks skip comes right after the gap, once', () => {
  // Europe/Berlin 2026-03-29: 02:00 becomes 03:00.
  assert.equal(between('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z'), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  assert.equal(between('0 3 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z'), ['2026-03-29T01:00:00.000Z']);
});

test('a fixed time that comes twice is taken the first time only', () => {
  // Europe/Berlin 2026-10-25: 03:00 becomes 02:00.
  assert.equal(between('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z'), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('expressions of every hour follow real time through both changes', () => {
  assert.is(between('30 * * * *', 'Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T22:00:00Z').length, 24);
  assert.is(between('*/10 * * * *', 'Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T23:00:00Z').length, 144);
  // Lord Howe moves by half an hour.
  assert.is(between('*/10 * * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', '2026-04-05T00:00:00Z').length, 144);
});

test('mistakes are named with what would be right', () => {
  const refused = (cron: string, what: string): void => {
    try {
      parseCron(cron);
    } catch (error) {
      assert.instance(error, ConfigError);
      assert.is((error as ConfigError).code, 'CRON');
      assert.match((error as ConfigError).message, what);
      assert.ok((error as ConfigError).hint);
      return;
    }
    throw new Error(`${cron} was accepted`);
  };
  refused('* * *', 'expected 5 fields');
  refused('60 * * * *', 'minute: expected 0 to 59');
  refused('* * * * foo', 'day of week');
  refused('*/0 * * * *', 'cannot read "*/0"');
  refused('0 22-3 * * *', 'not a range that grows');
  refused('0 0 30 2 *', 'no such date');
  refused('@dayly', 'unknown nickname');
  refused('', 'found 0');
  assert.throws(
    () => openZone('Mars/Olympus'),
    (error: ConfigError) => error.code === 'TIMEZONE',
  );
});

const numbers = (min: number, max: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    fc.integer({ min, max }).map(String),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.integer({ min: 1, max: max }).map((step) => `*/${step}`),
    fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 4 }).map((list) => list.join(',')),
  );
const expression = fc
  .tuple(numbers(0, 59), numbers(0, 59), numbers(0, 23), numbers(1, 28), numbers(1, 12), numbers(0, 6))
  .map(([second, minute, hour, day, month, weekday]) => ({ fields: [second, minute, hour, day, month, weekday] }));

test('next times are those of another library, away from clock changes', () => {
  fc.assert(
    fc.property(
      expression,
      fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2035, 0, 1) }),
      fc.constantFrom('UTC', 'Asia/Tokyo', 'Asia/Kolkata'),
      ({ fields }, after, timezone) => {
        // The other library reads `*/n` in a day field as a restriction, crontab(5) does not.
        fc.pre(!/^\*\//.test(fields[3] ?? '') && !/^\*\//.test(fields[5] ?? ''));
        const text = fields.join(' ');
        const whole = Math.floor(after / 1000) * 1000;
        const theirs = new Cron(text, { timezone, paused: true, legacyMode: true }).nextRun(new Date(whole));
        assert.is(
          nextTime(parseCron(text), openZone(timezone), whole),
          theirs?.getTime() ?? null,
          `${text} ${timezone} ${new Date(whole).toISOString()}`,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('every time lies after the one before, and matches its own expression, in every zone', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca', 'America/St_Johns', 'Pacific/Apia'];
  fc.assert(
    fc.property(
      expression,
      fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2030, 0, 1) }),
      fc.constantFrom(...zones),
      ({ fields }, after, name) => {
        const cron = parseCron(fields.join(' '));
        const zone = openZone(name);
        let previous = after;
        for (let i = 0; i < 5; i++) {
          const time = nextTime(cron, zone, previous);
          if (time === null) return;
          assert.ok(time > previous);
          // Asking from just before gives the same answer: nothing lies between.
          assert.is(nextTime(cron, zone, time - 1), time);
          const wall = zone.wallTime(time);
          const afterGap = zone.wallTime(time - 1000).hour !== (wall.hour + 23) % 24 || wall.minute === 0;
          assert.ok(cron.minutes.includes(wall.minute) || afterGap, new Date(time).toISOString());
          if (i > 0) assert.is(previousTime(cron, zone, time), previous);
          previous = time;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test.run();
