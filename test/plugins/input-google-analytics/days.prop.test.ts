import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GoogleAnalyticsConfig } from '../../../src/plugins/input-google-analytics/config.js';
import { planPeriods, splitPeriods, stateAfterPeriods, type LoadedDays } from '../../../src/plugins/input-google-analytics/periods.js';
import { addDays, daysBetween, openClock, type PropertyClock } from '../../../src/plugins/input-google-analytics/property-clock.js';

/** Zones whose clocks change at midnight, by half an hour, in the other hemisphere, that moved across the date line, and none. */
const ZONES = [
  'UTC',
  'Asia/Tokyo',
  'America/New_York',
  'Europe/Paris',
  'Africa/Cairo',
  'America/Havana',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Asia/Kathmandu',
  'America/Santiago',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'America/Sao_Paulo',
] as const;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const zone = fc.constantFrom(...ZONES);
const instant = fc.integer({ min: Date.parse('2012-01-01') / 60_000, max: Date.parse('2037-01-01') / 60_000 }).map((minutes) => minutes * 60_000);
const runs = { numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 5000 : 400 };

/** What the wall clock shows, by another way than the code under test: a formatted text. */
function wallClock(at: number, name: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' }).format(at);
  return parts.replace(' ', 'T');
}

function clockOf(name: string): PropertyClock {
  const clock = openClock(name);
  if (!clock) throw new Error(`no zone ${name}`);
  return clock;
}

test('the start of an hour or day is the first instant that shows it or a later one', () => {
  fc.assert(
    fc.property(zone, instant, fc.constantFrom(HOUR, DAY), (name, at, unit) => {
      const local = Math.floor(at / unit) * unit;
      const wanted = new Date(local).toISOString().slice(0, 19);
      const start = clockOf(name).startOf(local);
      assert.ok(wallClock(start, name) >= wanted, `${name}: ${wallClock(start, name)} before ${wanted}`);
      // Just before it the clock showed less, except when it is about to be put back.
      assert.ok(wallClock(start - 1000, name) < wanted, `${name}: already ${wallClock(start - 1000, name)} before ${wanted}`);
    }),
    runs,
  );
});

test('an hour that an instant lies in starts at or before it, at most two hours', () => {
  fc.assert(
    fc.property(zone, instant, (name, at) => {
      const label = Date.parse(`${wallClock(at, name).slice(0, 13)}:00:00Z`);
      const start = clockOf(name).startOf(label);
      assert.ok(start <= at && at - start < 2 * HOUR, `${name}: ${new Date(at).toISOString()} from ${new Date(start).toISOString()}`);
      assert.is(clockOf(name).dayOf(at), wallClock(at, name).slice(0, 10));
    }),
    runs,
  );
});

test('days that the clocks change on have a start', () => {
  const start = (name: string, day: string): string => new Date(clockOf(name).startOf(Date.parse(`${day}T00:00:00Z`))).toISOString();
  assert.is(start('Africa/Cairo', '2024-04-26'), '2024-04-25T22:00:00.000Z', 'midnight does not exist: the day begins at 01:00');
  assert.is(start('America/Havana', '2024-11-03'), '2024-11-03T04:00:00.000Z', 'midnight comes twice: the first one');
  const hour = (name: string, local: string): string => new Date(clockOf(name).startOf(Date.parse(`${local}:00:00Z`))).toISOString();
  assert.is(hour('America/New_York', '2024-11-03T01'), '2024-11-03T05:00:00.000Z', 'an hour shown twice: the earlier one');
  assert.is(hour('America/New_York', '2024-03-10T02'), '2024-03-10T07:00:00.000Z', 'an hour never shown: the moment of the change');
  assert.is(openClock('Mars/Olympus'), undefined);
});

test('runs one after the other read every day that is over exactly once, and the last ones again when asked', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 6 * 24 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(zone, instant, pauses, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 5 }), (name, begin, hours, reread, chunk) => {
      const clock = clockOf(name);
      const config = {
        property: '1',
        incremental: true,
        reread_days: reread,
        start_date: '3daysAgo',
        metrics: [],
      } as unknown as GoogleAnalyticsConfig;
      const read = new Map<string, number>();
      let state: LoadedDays | undefined;
      let now = begin;
      for (const pause of [0, ...hours]) {
        now += pause * HOUR;
        const place = { at: (path: string) => ({ path }) };
        const ctx = { place, clock, now, state: state === undefined ? undefined : { ...state }, useState: true, daily: true };
        const { periods } = planPeriods(config, ctx);
        const tasks = splitPeriods(periods, chunk);
        for (const { start, end } of tasks) {
          assert.ok(daysBetween(start, end) <= chunk && start <= end && end < clock.dayOf(now));
          for (let day = start; day <= end; day = addDays(day, 1)) read.set(day, (read.get(day) ?? 0) + 1);
        }
        state = stateAfterPeriods(config, ctx.state, tasks) ?? state;
      }
      const days = [...read.keys()].sort();
      const yesterday = addDays(clock.dayOf(now), -1);
      assert.is(days.at(-1), yesterday);
      assert.is(days.length, daysBetween(days[0] ?? '', yesterday), 'no day is left out');
      if (reread === 0) assert.ok([...read.values()].every((times) => times === 1));
    }),
    runs,
  );
});

test.run();
