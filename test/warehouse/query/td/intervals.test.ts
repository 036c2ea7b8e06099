import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseInterval } from '../../../../src/warehouse/query/td/interval.js';
import { findZone, UTC, type Zone } from '../../../../src/warehouse/query/td/zones.js';

const NOW = Date.UTC(2016, 5, 26, 1, 23, 45) / 1000;

function windowOf(text: string, now = NOW, zone: Zone = UTC): readonly string[] | undefined {
  const show = (unix: number): string => new Date(unix * 1000).toISOString().slice(0, 19).replace('T', ' ').replace(' 00:00:00', '');
  return parseInterval(text, now, zone)?.map(show);
}

const WINDOWS: readonly (readonly [text: string, start: string, end: string])[] = [
  ['-1d', '2016-06-25', '2016-06-26'],
  ['-7d', '2016-06-19', '2016-06-26'],
  ['-1h', '2016-06-26', '2016-06-26 01:00:00'],
  ['1d', '2016-06-26', '2016-06-27'],
  ['1M', '2016-06-01', '2016-07-01'],
  ['+7d', '2016-06-26', '2016-07-03'],
  ['-1w', '2016-06-13', '2016-06-20'],
  ['-1M', '2016-05-01', '2016-06-01'],
  ['-1q', '2016-01-01', '2016-04-01'],
  ['-1y', '2015-01-01', '2016-01-01'],
  ['-1d/now', '2016-06-25', '2016-06-26 01:23:45'],
  ['-7d/now', '2016-06-19', '2016-06-26 01:23:45'],
  ['-12h/now', '2016-06-25 13:00:00', '2016-06-26 01:23:45'],
  ['0d/now', '2016-06-26', '2016-06-26 01:23:45'],
  ['0M/now', '2016-06-01', '2016-06-26 01:23:45'],
  ['-1M/0d', '2016-05-01', '2016-06-26'],
  ['-1h/0m', '2016-06-26', '2016-06-26 01:23:00'],
  ['-1d/-1d', '2016-06-24', '2016-06-25'],
  ['-1M/-1M', '2016-04-01', '2016-05-01'],
  ['-1M/1M', '2016-06-01', '2016-07-01'],
  ['-3d/2017-04-07', '2017-04-04', '2017-04-07'],
  ['-1h/2017-01-23 01:23:45', '2017-01-23', '2017-01-23 01:00:00'],
  ['-1h/2017-01-23 01:23:45)', '2017-01-23', '2017-01-23 01:23:45'],
  ['2017-01-23/2017-01-25', '2017-01-23', '2017-01-25'],
  ['2016-06-26/now', '2016-06-26', '2016-06-26 01:23:45'],
  ['+12h/now', '2016-06-26 01:23:45', '2016-06-26 13:00:00'],
  ['-20s/-10s/now', '2016-06-26 01:23:15', '2016-06-26 01:23:35'],
];

for (const [text, start, end] of WINDOWS) {
  test(`the window of ${text}`, () => assert.equal(windowOf(text), [start, end]));
}

test('units start in the zone', () => {
  const tokyo = findZone('JST') as Zone;
  assert.equal(windowOf('-1d', Date.UTC(2024, 0, 10, 20) / 1000, tokyo), ['2024-01-09 15:00:00', '2024-01-10 15:00:00']);
});

test('a day with a change of summer time is as long as it was', () => {
  const zone = findZone('America/New_York') as Zone;
  const [start = 0, end = 0] = parseInterval('-1d', Date.UTC(2024, 2, 11, 12) / 1000, zone) ?? [];
  assert.is((end - start) / 3600, 23);
});

for (const text of ['', '1', 'd', '-1D', '-1x', '-1d/', '-1d/then', 'yesterday', '-1d/2016-13-01', '2016-06-26/-1'])
  test(`${JSON.stringify(text)} is no interval`, () => assert.is(parseInterval(text, NOW, UTC), undefined));

test.run();
