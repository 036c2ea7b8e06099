import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { castSql, conversionSql, describeFailure, formatProblem, outputFormatProblem } from '../../../src/core/engine/typing/index.js';
import { quoteLiteral, type ColumnType, type TextFormat } from '../../../src/core/spi/index.js';
import { withConnection } from './definitions.js';

/** `undefined` = does not convert; else the local time in UTC. */
const READ: readonly [format: string, text: string, expected: string | undefined, more?: TextFormat][] = [
  ['%d/%b/%Y:%H:%M:%S %z', '10/Oct/2000:13:55:36 -0700', '2000-10-10 20:55:36'],
  ['%d/%b/%Y:%H:%M:%S %z', '10/OCT/2000:13:55:36 Z', '2000-10-10 13:55:36'],
  ['%d/%b/%Y:%H:%M:%S %z', '10/October/2000:13:55:36 Z', undefined],
  ['%a, %d %b %Y %H:%M:%S %z', 'Fri, 20 Feb 2015 14:02:34 +0900', '2015-02-20 05:02:34'],
  ['%a, %d %b %Y %H:%M:%S %z', 'Mon, 20 Feb 2015 14:02:34 +0900', undefined],
  ['%a, %d %b %Y %H:%M:%S %z', 'Fri, 20 Feb 2015 02:02:34 +0900', '2015-02-19 17:02:34'],
  ['%A %d %B %Y', 'friday 20 february 2015', '2015-02-20 00:00:00'],
  ['%c', 'Fri Feb  6 14:02:34 2015', '2015-02-06 14:02:34'],
  ['%c', 'Fri Feb 20 14:02:34 2015', '2015-02-20 14:02:34'],
  ['%Y%m%d', '20150127', '2015-01-27 00:00:00'],
  ['%Y%m%d', '2015127', undefined],
  ['%Y%m%d%H%M%S%L', '20150127192349129', '2015-01-27 19:23:49.129'],
  ['%Y-%j', '2003-365', '2003-12-31 00:00:00'],
  ['%Y-%j', '2003-366', undefined],
  ['%Y-%j', '2003-000', undefined],
  ['%y-%m-%d', '00-02-29', '2000-02-29 00:00:00'],
  ['%m/%d/%Y %I:%M %p', '1/5/2015 12:05 am', '2015-01-05 00:05:00'],
  ['%m/%d/%Y %I:%M %p', '1/5/2015 0:05 am', undefined],
  ['%Y/%m', '2015/7', '2015-07-01 00:00:00'],
  ['%Y', '2015', '2015-01-01 00:00:00'],
  ['%H時%M分', '9時05分', '1970-01-01 09:05:00'],
  ['%H:%M', '23:59', '2020-02-29 23:59:00', { date: '2020-02-29' }],
  ['%Y-%m-%d %H:%M:%S.%3N', '2015-01-27 19:23:49.129', '2015-01-27 19:23:49.129'],
  ['%Y-%m-%d %H:%M:%S.%3N', '2015-01-27 19:23:49.12', undefined],
  ['%Y-%m-%d %H:%M:%S.%9N %z', '2015-01-27 19:23:49.123456789 GMT', '2015-01-27 19:23:49.123456'],
  ['%Y-%m-%d %H:%M:%S.%N %z', '2015-01-27 19:23:49.1234567 +05:30', '2015-01-27 13:53:49.123456'],
  ['%z %Y-%m-%d', 'UTC 2015-01-27', '2015-01-27 00:00:00'],
  ['%z %Y-%m-%d', '-01 2015-01-27', '2015-01-27 01:00:00'],
  ['%Y-%m-%d%%', '2015-01-27%', '2015-01-27 00:00:00'],
  ['(%Y.%m.%d)', '(2015.01.27)', '2015-01-27 00:00:00'],
  ['(%Y.%m.%d)', '(2015x01x27)', undefined],
  ['%Y-%m-%d', 'infinity', undefined],
  ['%Y-%m-%d', 'epoch', undefined],
  ['%Y-%m-%d', '0000-01-01', undefined],
  ['%s', '1470148959', '2016-08-02 14:42:39'],
  ['%s', '-1', '1969-12-31 23:59:59'],
  ['%s', '253402300800', undefined],
  ['%s', '1e9', undefined],
  ['%Q', '1470148959542', '2016-08-02 14:42:39.542'],
  ['ruby:%Y-%m-%d', '2001-02-03', '2001-02-03 00:00:00'],
];

for (const [format, text, expected, more] of READ) {
  test(`${format} reads ${text} as ${expected ?? 'nothing'}`, () =>
    withConnection(async (sql) => {
      assert.is(formatProblem('timestamp', { format, ...more }), undefined);
      for (const zone of ['UTC', 'Asia/Kathmandu']) {
        await sql.run(`set timezone = '${zone}'`);
        const value = conversionSql('x', { type: 'timestamp', text: { format, ...more } });
        const rows = await sql.rows(
          `select make_timestamp(epoch_us(v))::varchar as s, typeof(v) as t from (select ${value} as v from (select ${quoteLiteral(text)} as x))`,
        );
        assert.is(rows[0]?.['s'] ?? undefined, expected, `session in ${zone}`);
        assert.is(rows[0]?.['t'], 'TIMESTAMP WITH TIME ZONE');
      }
    }));
}

const PROBLEMS: readonly [type: ColumnType, text: TextFormat, problem: RegExp][] = [
  ['timestamp', { format: '%G-W%V-%u' }, /"%G-W%V-%u" has "%G", which cannot be read; supported: %Y/],
  ['timestamp', { format: '%Y-%m-%d %' }, /lone "%"/],
  ['timestamp', { format: 'java:yyyy-MM-dd' }, /Java pattern/],
  ['timestamp', { format: '%m/%d' }, /has no year/],
  ['timestamp', { format: '%Y-%d' }, /a day but no month/],
  ['timestamp', { format: '%Y-%m-%d %I:%M' }, /%I without %p/],
  ['timestamp', { format: '%Y %Y' }, /names the year twice/],
  ['timestamp', { format: '%H:%S' }, /seconds but no minutes/],
  ['timestamp', { format: '%s.%N' }, /nothing but "%s"/],
  ['timestamp', { format: '%4Y' }, /width in "%4Y"/],
  ['timestamp', { format: 'today' }, /no date and no time/],
  ['timestamp', { format: '' }, /is empty/],
  ['timestamp', { timezone: 'Asia/Tokio' }, /"Asia\/Tokio" is no known time zone/],
  ['timestamp', { timezone: 'PDT' }, /no known time zone/],
  ['timestamp', { format: '%H:%M', date: '2015-02-29' }, /date must be a day/],
  ['datetime', { format: '%Y-%m-%d %z' }, /has a zone, but a datetime has none/],
  ['datetime', { timezone: 'UTC' }, /only for timestamp/],
  ['date', { format: '%Y-%m-%d %H' }, /has a time of day/],
  ['date', { format: '%s' }, /has a time of day/],
  ['long', { format: '%d' }, /takes no format/],
  ['binary', { format: 'base32' }, /base64 or hex/],
];

for (const [type, text, problem] of PROBLEMS) {
  test(`${type} ${JSON.stringify(text)} is a problem`, () => assert.match(formatProblem(type, text) ?? '', problem));
}

test('binary: base64 and hex, strictly', () =>
  withConnection(async (sql) => {
    const read = async (text: string, format: string): Promise<unknown> =>
      (
        await sql.rows(
          `select hex(v) as h from (select ${conversionSql('x', { type: 'binary', text: { format } })} as v from (select ${quoteLiteral(text)} as x))`,
        )
      )[0]?.['h'];
    assert.is(await read('AAEC/w==', 'base64'), '000102FF');
    assert.is(await read('', 'base64'), '');
    for (const bad of ['AAEC/w=', 'AAEC/w', 'AA C', 'AAEC\n', '====']) assert.is(await read(bad, 'base64'), null, bad);
    assert.is(await read('00fF', 'hex'), '00FF');
    for (const bad of ['0', '0g', '0x00', ' 00']) assert.is(await read(bad, 'hex'), null, bad);
  }));

const WRITTEN: readonly [format: string, timezone: string, expected: string][] = [
  ['%Y-%m-%d %H:%M:%S.%6N %z', 'UTC', '2015-01-07 04:03:09.012345 +0000'],
  ['%FT%T.%L%:z', 'America/St_Johns', '2015-01-07T00:33:09.012-03:30'],
  ['%e %k %l %P %p %-d %j %y %%', 'UTC', ' 7  4  4 am AM 7 007 15 %'],
  ['%s %Q', 'Asia/Tokyo', '1420603389 1420603389012'],
  ['%a %A %b %B %c', 'UTC', 'Wed Wednesday Jan January Wed Jan  7 04:03:09 2015'],
  ['%N|%3N|%f|%Z', 'UTC', '012345000|012|012345|UTC'],
  ["it's %H", 'UTC', "it's 04"],
];

for (const [format, timezone, expected] of WRITTEN) {
  test(`${format} writes ${expected}`, () =>
    withConnection(async (sql) => {
      assert.is(outputFormatProblem(format), undefined);
      const rows = await sql.rows(
        `select ${castSql('x', 'timestamp', 'string', { format, timezone })} as s from (select timestamptz '2015-01-07 04:03:09.012345+00' as x)`,
      );
      assert.is(rows[0]?.['s'], expected);
    }));
}

test('a format that cannot be written is a problem', () => {
  assert.match(outputFormatProblem('%Y %E') ?? '', /has "%E", which cannot be written/);
  assert.match(outputFormatProblem('%') ?? '', /lone "%"/);
});

test('a failure says what the text is not', () => {
  assert.is(
    describeFailure({ type: 'timestamp', text: { format: '%Y', timezone: 'Europe/Berlin' } }),
    'not a timestamp of format %Y, or a local time that Europe/Berlin skips',
  );
  assert.is(describeFailure({ type: 'decimal(12,2)' }), 'not a decimal(12,2) (at most 10 digits before the point and 2 after it)');
  assert.is(describeFailure({ type: 'date' }), 'not a date in ISO 8601 form');
});

test.run();
