import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Desk } from '../cli/desk.js';

const test = suite('formats and zones that nothing can follow');
let desk: Desk;
test.before.each(() => {
  desk = new Desk();
  desk.write('sluice.yml', '');
  desk.write('data/a.csv', '1,2026-01-02 03:04:05\n');
});
test.after.each(() => desk.remove());

const FORMAT = '"%Y-%m-%d %H:%M:%S"';

function config(column: string, more: { readonly parser?: string; readonly filter?: string } = {}): string {
  return `in:
  type: file
  path_prefix: data/
  parser:
    type: csv${more.parser ?? ''}
    columns:
      - {name: id, type: long}
      - ${column}
${more.filter === undefined ? '' : `filters:\n  - ${more.filter}\n`}out: {type: warehouse, table: shop.orders}
`;
}

async function refusal(text: string): Promise<string> {
  desk.write('orders.yml', text);
  for (const verb of ['preview', 'run']) assert.is((await desk.sluice([verb, 'orders.yml'])).code, 2, verb);
  const { code, stderr } = await desk.sluice(['check', 'orders.yml']);
  assert.is(code, 2, stderr);
  assert.is((await desk.sluice(['tables', '--json'])).stdout, '', 'nothing was loaded');
  return stderr;
}

const CASES: readonly (readonly [name: string, text: string, expected: RegExp])[] = [
  [
    'an unknown zone is not taken for UTC',
    config(`{name: at, type: timestamp, format: ${FORMAT}, timezone: Asia/Tokio}`),
    /error COLUMN_FORMAT: orders\.yml:8:\d+ in\.parser\.columns\[1\]\.timezone: "Asia\/Tokio" is no known time zone; write UTC, an IANA name such as Asia\/Tokyo/,
  ],
  [
    'an unknown default zone',
    config(`{name: at, type: timestamp, format: ${FORMAT}}`, { parser: '\n    default_timezone: Mars' }),
    /error COLUMN_FORMAT: orders\.yml:6:23 in\.parser\.default_timezone: "Mars" is no known time zone/,
  ],
  [
    'a directive that there is not',
    config('{name: at, type: timestamp, format: "%Y-%E"}'),
    /error COLUMN_FORMAT: orders\.yml:8:\d+ in\.parser\.columns\[1\]\.format: the format "%Y-%E" has "%E", which cannot be read[^]*hint: docs\/reference\/types\.md/,
  ],
  ['seconds among other things', config('{name: at, type: timestamp, format: "%Y %s"}'), /the format "%Y %s" must hold nothing but "%s"/],
  [
    'a zone of a datetime',
    config('{name: at, type: datetime, timezone: Asia/Tokyo}'),
    /columns\[1\]\.timezone: timezone is only for timestamp columns/,
  ],
  ['a format of a text', config('{name: at, type: string, format: "%Y"}'), /columns\[1\]\.format: a string column takes no format/],
  [
    'a zone in a filter',
    config('{name: at, type: string}', { filter: `{type: column, columns: [{name: at, type: timestamp, timezone: Asia/Tokio}]}` }),
    /error CAST_INVALID: orders\.yml:10:\d+ filters\[0\]\.columns\[0\]\.timezone: column "at": "Asia\/Tokio" is no known time zone/,
  ],
  [
    'a cast that there is not',
    config('{name: at, type: string}', { filter: '{type: column, columns: [{name: id, type: date}]}' }),
    /error CAST_INVALID: orders\.yml:10:\d+ filters\[0\]\.columns\[0\]\.type: column "id": a long cannot become a date/,
  ],
  [
    'a zone of a fixed time',
    config('{name: at, type: string}', { filter: '{type: add_time, from_value: {mode: fixed_time, value: "2024-01-01", timezone: Foo}}' }),
    /error CAST_INVALID: orders\.yml:10:\d+ filters\[0\]\.from_value\.timezone: column "time": "Foo" is no known time zone/,
  ],
];

for (const [name, text, expected] of CASES)
  test(name, async () => {
    assert.match(await refusal(text), expected);
  });

test('inputs that hold their columns themselves', async () => {
  desk.write('rows.yml', 'in: {type: config, columns: [{name: at, type: date, format: "%H"}], rows: [["1"]]}\nout: {type: stdout}\n');
  const { code, stderr } = await desk.sluice(['run', 'rows.yml']);
  assert.is(code, 2);
  assert.match(stderr, /rows\.yml:1:\d+ in\.columns\[0\]\.format: the format "%H" has a time of day, but a date has none/);
});

test('Embulk reads time options at timestamps alone, and so does a config of it', async () => {
  desk.write(
    'embulk.yml',
    `in: {type: file, path_prefix: data/, parser: {type: csv, stop_on_invalid_record: true, columns: [{name: id, type: long, format: "%Y"}, {name: at, type: string, timezone: Asia/Tokyo}]}}
out: {type: stdout}
`,
  );
  assert.is((await desk.ok(['run', 'embulk.yml'])).stdout, '1,2026-01-02 03:04:05\n');
  assert.match((await desk.ok(['convert', 'embulk.yml'])).stdout, /columns: format, timezone and date are for timestamp columns/);
});

test.run();
