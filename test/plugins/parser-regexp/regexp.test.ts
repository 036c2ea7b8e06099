import { test } from 'uvu';
import * as assert from 'uvu/assert';
import regexp from '../../../src/plugins/parser-regexp/index.js';
import { planError, readTexts, rejectsOf } from './lab.js';

const columns = [
  { name: 'at', type: 'timestamp', format: '%Y/%m/%d %H:%M', timezone: 'Asia/Tokyo' },
  { name: 'text', type: 'string', group: 'message' },
];
const pattern = '(?<at>[0-9/]+ [0-9:]+) (?:\\[(?<level>\\w+)\\] )?(?<message>.*)';

test('groups become typed columns; a group that took no part is NULL; other lines are rejects', async () => {
  const all = [...columns, { name: 'level', type: 'string' }];
  const result = await readTexts(regexp, { pattern, columns: all }, [
    '2026/01/02 03:04 [WARN] disk: "90 %"\nStack trace\n2026/01/02 09:00 \u{1F680}\n',
  ]);
  assert.equal(result.rows, [
    ['2026-01-01 18:04:00+00', 'disk: "90 %"', 'WARN'],
    ['2026-01-02 00:00:00+00', '\u{1F680}', null],
  ]);
  assert.equal(rejectsOf(result), ['f1:2@37: the line does not match the pattern']);
  assert.is(result.rejects[0]?.raw, 'Stack trace');
});

test('the whole line must match', async () => {
  const result = await readTexts(regexp, { pattern: '(?<n>[0-9]+)|(?<w>[a-z]+)', columns: [{ name: 'n', type: 'long' }] }, ['12\n12x\nab\nx 12\n']);
  assert.equal(result.rows, [['12'], [null]]);
  assert.is(result.rejects.length, 2);
});

const COMMON = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326';
const time = '2000-10-10 20:55:36+00';

test('apache_common: the line of the httpd documentation, and what is not HTTP', async () => {
  const lines = [
    COMMON,
    '::1 - - [10/Oct/2000:13:55:36 -0700] "-" 408 -',
    '10.0.0.1 - a b [10/Oct/2000:13:55:36 -0700] "\\x16\\x03\\"\\x01" 400 0',
    '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "POST /a?q=\\"x\\" HTTP/2.0" 201 7',
    'not a log line',
  ];
  const result = await readTexts(regexp, { format: 'apache_common' }, [lines.join('\n')]);
  assert.equal(result.rows, [
    ['127.0.0.1', null, 'frank', time, 'GET /apache_pb.gif HTTP/1.0', 'GET', '/apache_pb.gif', 'HTTP/1.0', '200', '2326'],
    ['::1', null, null, time, null, null, null, null, '408', null],
    ['10.0.0.1', null, 'a b', time, '\\x16\\x03\\"\\x01', null, null, null, '400', '0'],
    ['10.0.0.1', null, null, time, 'POST /a?q=\\"x\\" HTTP/2.0', 'POST', '/a?q=\\"x\\"', 'HTTP/2.0', '201', '7'],
  ]);
  assert.is(result.rejects.length, 1);
  assert.equal(result.unconverted, []);
});

test('apache_combined: with a choice of columns, which keep the time format', async () => {
  const line = `${COMMON} "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"`;
  const choice = [
    { name: 'time', type: 'timestamp' },
    { name: 'agent', type: 'string', group: 'user_agent' },
    { name: 'status', type: 'string' },
  ];
  const { rows } = await readTexts(regexp, { format: 'apache_combined', columns: choice }, [`${line}\n`]);
  assert.equal(rows, [[time, 'Mozilla/4.08 [en] (Win98; I ;Nav)', '200']]);
  const all = await readTexts(regexp, { format: 'apache_combined' }, [line]);
  assert.is(all.rows[0]?.[10], 'http://www.example.com/start.html');
});

const WRONG: readonly [config: Record<string, unknown>, code: string, message: RegExp, path: string][] = [
  [{ columns }, 'REGEXP_PATTERN', /neither pattern nor format/, ''],
  [{ format: 'apache_common', pattern }, 'REGEXP_PATTERN', /both given/, 'format'],
  [{ pattern }, 'REGEXP_COLUMNS', /columns are missing/, 'columns'],
  [{ pattern: '(?<at>', columns }, 'REGEXP_PATTERN', /not a regular expression: /, 'pattern'],
  [{ pattern: '(?<at>\\")', columns }, 'REGEXP_PATTERN', /not a regular expression: Invalid escape/, 'pattern'],
  [{ pattern, columns: [{ name: 'levle', type: 'string' }] }, 'REGEXP_GROUP', /no group named "levle", did you mean "level"/, 'columns[0].name'],
  [{ pattern: 'x', columns: [{ name: 'a', type: 'string', group: 'b' }] }, 'REGEXP_GROUP', /no group named "b"/, 'columns[0].group'],
  [{ pattern, columns: [{ name: 'at', type: 'instant' }] }, 'UNKNOWN_COLUMN_TYPE', /found "instant"/, 'columns[0].type'],
];
for (const [config, code, message, path] of WRONG) {
  test(`refuses ${JSON.stringify(config).slice(0, 70)}`, async () => {
    const error = await planError(regexp, config as never);
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.is(error.where.path, path);
  });
}

test.run();
