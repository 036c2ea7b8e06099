import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { DuckConnection } from '../../../src/core/duckdb/index.js';
import { conversionSql } from '../../../src/core/engine/typing/index.js';
import { quoteLiteral } from '../../../src/core/spi/index.js';
import { withConnection } from './definitions.js';

/** Rules of the clocks in the platform's own tables: what a zone shows at an instant. */
function localReader(zone: string): (utc: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return (utc) => format.format(utc).replace(',', '');
}

/** The earliest instant (ms) at which a zone shows this local time, searched minute by minute around it. */
function earliest(show: (utc: number) => string, local: string): number | undefined {
  const middle = Date.parse(`${local.replace(' ', 'T')}Z`);
  for (let t = middle - 15 * 3_600_000; t <= middle + 15 * 3_600_000; t += 15 * 60_000) if (show(t) === local) return t;
  return undefined;
}

async function convert(sql: DuckConnection, zone: string, format: string | undefined, texts: readonly string[]): Promise<(number | undefined)[]> {
  const value = conversionSql('x', { type: 'timestamp', text: { timezone: zone, ...(format === undefined ? {} : { format }) } });
  const list = texts.map((t, i) => `(${i}, ${quoteLiteral(t)})`).join(', ');
  const rows = await sql.rows(`select epoch_us(v)::varchar as s from (select i, ${value} as v from (values ${list}) t(i, x)) order by i`);
  return rows.map((r) => (r['s'] === null ? undefined : Number(r['s']) / 1000));
}

const CHANGES: readonly [zone: string, from: string, minutes: number][] = [
  ['America/Los_Angeles', '2017-11-05 00:00:00', 240],
  ['America/Los_Angeles', '2017-03-12 01:00:00', 240],
  ['Australia/Lord_Howe', '2017-04-02 00:00:00', 240],
  ['Australia/Lord_Howe', '2017-10-01 00:00:00', 240],
  ['Antarctica/Troll', '2017-03-26 00:00:00', 360],
  ['Antarctica/Troll', '2017-10-29 00:00:00', 360],
  ['Pacific/Apia', '2011-12-29 00:00:00', 4320],
  ['Asia/Pyongyang', '2018-05-04 20:00:00', 480],
  ['Asia/Kathmandu', '2020-01-01 00:00:00', 120],
  ['Africa/Casablanca', '2019-05-05 00:00:00', 360],
  ['Europe/London', '1981-10-25 00:00:00', 240],
];

for (const [zone, from, minutes] of CHANGES) {
  test(`${zone} around ${from}: skipped times are rejected, doubled ones take the earlier instant`, () =>
    withConnection(async (sql) => {
      const start = Date.parse(`${from.replace(' ', 'T')}Z`);
      const texts = Array.from({ length: minutes / 15 }, (_, i) => new Date(start + i * 900_000).toISOString().slice(0, 19).replace('T', ' '));
      const expected = texts.map((t) => earliest(localReader(zone), t));
      assert.equal(await convert(sql, zone, undefined, texts), expected);
      const slashes = texts.map((t) => t.replaceAll('-', '/'));
      assert.equal(await convert(sql, zone, '%Y/%m/%d %H:%M:%S', slashes), expected, 'by strptime');
    }));
}

test('the precomputed offsets agree with the platform over many years', () =>
  withConnection(async (sql) => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'America/Sao_Paulo',
      'Asia/Tokyo',
      'Asia/Tehran',
      'Australia/Lord_Howe',
      'Africa/Casablanca',
      'Pacific/Chatham',
      'Africa/Cairo',
      'America/St_Johns',
    ];
    const day = fc.integer({ min: Date.UTC(1995, 0, 1) / 900_000, max: Date.UTC(2026, 0, 1) / 900_000 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...zones), fc.array(day, { minLength: 150, maxLength: 150 }), async (zone, quarters) => {
        const texts = quarters.map((q) => new Date(q * 900_000).toISOString().slice(0, 19).replace('T', ' '));
        const show = localReader(zone);
        assert.equal(
          await convert(sql, zone, undefined, texts),
          texts.map((t) => earliest(show, t)),
          zone,
        );
      }),
      { numRuns: 12 },
    );
  }));

test('a fixed offset and the ends of the range', () =>
  withConnection(async (sql) => {
    assert.equal(await convert(sql, '+05:45', undefined, ['2020-01-01 05:45:00', '0001-01-01 00:00:00', '0001-01-01 06:00:00']), [
      Date.UTC(2020, 0, 1),
      undefined,
      -62135596800000 + 900_000,
    ]);
    assert.equal(await convert(sql, '-01:00', undefined, ['9999-12-31 23:30:00', '9999-12-31 22:30:00']), [undefined, 253402300800000 - 1_800_000]);
    assert.equal(await convert(sql, 'America/New_York', undefined, ['9999-12-31 23:30:00', '9999-12-31 12:00:00']), [
      undefined,
      253402300800000 - 7 * 3_600_000,
    ]);
  }));

test.run();
