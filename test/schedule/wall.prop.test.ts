import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCron } from '../../src/core/schedule/cron-expression.js';
import { timesBetween } from '../../src/core/schedule/next-time.js';
import { openZone } from '../../src/core/schedule/zoned-time.js';
import { cronText, wallTimes } from './wall-oracle.js';

const HOUR = 3_600_000;
/** A change of the clocks in each zone. */
const CHANGES: readonly (readonly [string, string])[] = [
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['America/St_Johns', '2006-04-02T03:31:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00:00Z'],
  // A whole day was left out.
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
];

test('the times around a change of the clocks are those that a look at the wall at every minute finds', () => {
  const some = (max: number, length: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: length });
  const cron = fc.record({
    minutes: some(59, 4),
    hours: fc.option(fc.oneof(some(23, 6), some(4, 3)), { nil: undefined, freq: 3 }),
    weekdays: fc.option(some(6, 5), { nil: undefined, freq: 1 }),
  });
  fc.assert(
    fc.property(cron, fc.constantFrom(...CHANGES), fc.integer({ min: 0, max: 10 * 60 }), (simple, [zone, change], minutesBefore) => {
      const after = Date.parse(change) - minutesBefore * 60_000;
      const until = Date.parse(change) + 14 * HOUR;
      const found = timesBetween(parseCron(cronText(simple)), openZone(zone), after, until, 10_000);
      const shown = (times: readonly number[]) => times.map((time) => new Date(time).toISOString());
      assert.equal(shown(found), shown(wallTimes(simple, zone, after, until)), `${cronText(simple)} ${zone}`);
    }),
    { numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 3000 : 50 },
  );
});

test.run();
