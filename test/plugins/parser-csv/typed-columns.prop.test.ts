import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject, ParserFile } from '../../../src/core/spi/index.js';
import gzip from '../../../src/plugins/decoder-gzip/index.js';
import { openLab, type CsvLab, type Outcome } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

const RUNS = Number(process.env['FC_RUNS'] ?? 100);

const COLUMNS = [
  { name: 'n', type: 'long' },
  { name: 's', type: 'string' },
  { name: 'd', type: 'double' },
  { name: 'm', type: 'decimal(6,2)' },
  { name: 'b', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 'iso', type: 'timestamp' },
  { name: 'at', type: 'timestamp', format: '%Y-%m-%d %H:%M:%S', timezone: 'UTC' },
  { name: 'local', type: 'datetime', format: '%Y-%m-%dT%H:%M:%S' },
  { name: 'tokyo', type: 'timestamp', timezone: 'Asia/Tokyo' },
] as const;
const TYPED: readonly string[] = COLUMNS.map((column) => column.name).filter((name) => name !== 's' && name !== 'tokyo');
type Name = (typeof COLUMNS)[number]['name'];

/** Fields that are plain, and others, of each column. */
const PLAIN: Readonly<Record<Name, readonly string[]>> = {
  n: ['0', '-0', '7', '-12', '007', '999999999999999999', '-999999999999999999', '"12"'],
  s: ['a', '"a, ""b"""', '"two\nlines"', ' x ', '7', '"日本"'],
  d: ['0', '-0', '0.1', '-3.25', '00.50', '123456789012345678901234567890.5', '0.30000000000000004', '"1.5"'],
  m: ['0', '-0.05', '1234.56', '0001.2', '-9999.99', '"1.10"'],
  b: ['true', 'false', '"true"'],
  day: ['2024-02-29', '0001-01-01', '9999-12-31', '1969-12-31', '"2000-01-01"'],
  iso: [
    '2024-01-31 23:59:59',
    '2024-01-31T00:00:00Z',
    '1969-12-31T23:59:59.5',
    '0001-01-01 00:00:00',
    '9999-12-31 23:59:59.999999',
    '2000-02-29 12:00:00.000001Z',
  ],
  at: ['2024-01-31 23:59:59', '0001-01-01 00:00:00', '9999-12-31 23:59:59', '"2024-01-01 00:00:00"'],
  local: ['2024-01-31T23:59:59', '0001-01-01T00:00:00'],
  tokyo: ['2024-01-31 23:59:59', '2024-06-30 00:00:00'],
};
const OTHER: Readonly<Record<Name, readonly string[]>> = {
  n: [
    '+5',
    ' 5',
    '5 ',
    '1.5',
    '1e3',
    '1_000',
    '9223372036854775807',
    '9223372036854775808',
    '1234567890123456789012',
    'x',
    '""',
    '--1',
    '-',
    '"1"2',
    '0x10',
    '٣',
  ],
  s: ['a"b'],
  d: ['1.', '.5', '1e3', '+1', ' 1', 'NaN', 'inf', 'Infinity', '1,5', '-', '1_0.5', '""', '1.2.3'],
  m: ['1.005', '12345', '1.', '.5', '+1', '1e1', '""', '00001234.5'],
  b: ['True', 't', '1', 'yes', 'truex', ' true', 'TRUE', '""'],
  day: [
    '2023-02-29',
    '2024-2-1',
    '2024-02-30',
    '0000-01-01',
    '2024-13-01',
    '2024-00-10',
    '2024/01/01',
    '10000-01-01',
    '2024-01-01 ',
    '2024-01-01 00:00:00',
    'infinity',
    'epoch',
  ],
  iso: [
    '2024-01-31 24:00:00',
    '2024-01-31 23:60:00',
    '2024-01-31 23:59:60',
    '2024-02-30 00:00:00',
    '2024-01-31 23:59',
    '2024-01-31',
    '2024-01-31 23:59:59.1234567',
    '2024-01-31 23:59:59+09:00',
    '2024-01-31 23:59:59.',
    '2024-01-31 23:59:59 UTC',
    '0000-01-01 00:00:00',
    'infinity',
    '2024-01-31  3:59:59',
    '2024-01-31Z23:59:59',
  ],
  at: ['2024-01-31T23:59:59', '2024-01-31 23:59:59.5', '2024-01-31 23:59:59Z', '2024-1-31 23:59:59', '2024-01-32 00:00:00', '2023-02-29 00:00:00'],
  local: ['2024-01-31 23:59:59', '2024-01-31T23:59:59Z', '2024-04-31T00:00:00'],
  tokyo: ['x', '2024-01-31'],
};

interface Row {
  readonly [name: string]: string;
}

const plainRow = fc.record(Object.fromEntries(COLUMNS.map(({ name }) => [name, fc.constantFrom('', ...PLAIN[name])])));
/** Each column for itself: mostly plain in all rows. */
const otherField = fc.constantFrom(...COLUMNS.flatMap(({ name }) => OTHER[name].map((value) => [name, value] as const)));

function lineOf(row: Row): string {
  return COLUMNS.map(({ name }) => row[name]).join(',');
}

async function compare(config: JsonObject, files: readonly ParserFile[]): Promise<Outcome> {
  const routed = await lab.read(config, files, { places: true, convert: true });
  const own = await lab.read(config, files, { places: true, convert: true, forceOwn: true });
  const told = `${routed.redone.join('; ')} (${routed.typed.join(' ')})`;
  assert.equal(routed.rows, own.rows, `rows, ${told}`);
  assert.equal(routed.rejects, own.rejects, `rejects, ${told}`);
  assert.equal(routed.places, own.places, `places, ${told}`);
  assert.is(routed.verdict.read, own.verdict.read);
  assert.equal(
    routed.verdict.files.map((file) => file.hash),
    own.verdict.files.map((file) => file.hash),
  );
  return routed;
}

const config = (extra: JsonObject = {}): JsonObject => ({ columns: COLUMNS as unknown as JsonObject[], ...extra });

test('plain fields are read as values, which are those of the strict conversion; columns with others are read as text', async () => {
  let typed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(plainRow, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(), otherField), { maxLength: 3 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (rows, others, newline, ended) => {
        const changed = rows.map((row) => ({ ...row }));
        for (const [at, [name, value]] of others) (changed[at % rows.length] as Record<string, string>)[name] = value;
        const end = newline === '\r\n' ? (line: string): string => line.replace('two\nlines', 'one line') : (line: string): string => line;
        const text = changed.map((row) => end(lineOf(row))).join(newline) + (ended ? newline : '');
        const outcome = await compare(config(), [await lab.file(text, 'typed.csv')]);
        if (outcome.typed.length > 0) typed++;
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(typed > RUNS / 3, `${typed} of ${RUNS} had typed columns`);
});

const CLEAN = lineOf({
  n: '1',
  s: 'x'.repeat(9000),
  d: '0.5',
  m: '1.25',
  b: 'true',
  day: '2024-01-01',
  iso: '2024-01-01T00:00:00Z',
  at: '2024-01-01 00:00:00',
  local: '2024-01-01T00:00:00',
  tokyo: '',
});
/** More than the sample of a file's start. */
const MANY = `${CLEAN}\n`.repeat(140);

test('an unusual field behind the sample: all is read again as text', async () => {
  const fields = COLUMNS.flatMap(({ name }) => OTHER[name].map((value) => [name, value] as const));
  for (const [name, value] of fields.filter((_, i) => RUNS >= 100 || i % 4 === 0)) {
    const odd = CLEAN.split(',').map((field, i) => (COLUMNS[i]?.name === name ? value : field));
    const outcome = await compare(config(), [await lab.file(`${MANY}${odd.join(',')}\n${CLEAN}\n`, 'odd.csv')]);
    assert.equal(outcome.typed, TYPED);
    const text = name === 'tokyo' ? [] : ['a number or a time is written in an unusual way'];
    // What breaks a quote is our own tokenizer's in the end.
    if (!value.includes('"')) assert.equal(outcome.redone, value === '1,5' ? outcome.redone : text, `${name} ${value}`);
  }
});

test('records of a wrong shape among typed ones', async () => {
  for (const line of [
    '1,2',
    `${CLEAN},more`,
    '',
    'x',
    ',,,,,,,,,',
    ',,,,,,,,,,',
    '1,"open',
    '1,"a"b,,,,,,,,',
    '"1',
    `${CLEAN}\r`,
    `\ufeff${CLEAN}`,
  ]) {
    const outcome = await compare(config(), [await lab.file(`${MANY}${line}\n${MANY}`, 'shape.csv')]);
    assert.equal(outcome.typed, TYPED, line);
  }
});

test('header lines, a byte order mark, null strings, other marks, and columns in another order', async () => {
  const semicolons = (text: string): string => text.replaceAll(',', ';');
  const header = `${COLUMNS.map((column) => column.name).join(',')}\n`;
  assert.equal((await compare(config({ skip_header_lines: 2 }), [await lab.file(`no,1\n\n${CLEAN}\n`)])).typed, TYPED);
  assert.equal((await compare(config(), [await lab.file(`\ufeff${CLEAN}\n${CLEAN}`)])).typed, TYPED);
  assert.equal((await compare(config({ delimiter: ';' }), [await lab.file(semicolons(`${CLEAN}\n`))])).typed, TYPED);
  assert.equal((await compare(config({ delimiter: '\t', quote: "'" }), [await lab.file(`${CLEAN}\n`.replaceAll(',', '\t'))])).typed, TYPED);
  const nulls = CLEAN.replace('0.5', 'NULL').replace('1,', 'NULL,');
  assert.equal((await compare(config({ null_string: 'NULL' }), [await lab.file(`${nulls}\n`)])).typed, TYPED);
  const quoted = CLEAN.replace('0.5', '"NULL"');
  assert.equal(
    (await compare(config({ null_string: 'NULL' }), [await lab.file(`${quoted}\n`)])).typed,
    TYPED.filter((name) => name !== 'd'),
  );
  assert.equal((await compare(config({ null_string: '0' }), [await lab.file(`${CLEAN.replace('0.5', '0')}\n`)])).typed, TYPED);
  // A delimiter that stands in times, too.
  assert.equal((await lab.read(config({ delimiter: '-' }), [await lab.file('1-2\n')], { convert: true })).typed, []);
  const swapped = ['m', 'n', 's', 'd', 'b', 'day', 'iso', 'at', 'local', 'tokyo'];
  const cells = CLEAN.split(',');
  const moved = swapped.map((name) => cells[COLUMNS.findIndex((column) => column.name === name)]).join(',');
  const memory = { header: COLUMNS.map((column) => column.name) };
  const [usual, other] = [await lab.file(`${header}${CLEAN}\n`), await lab.file(`${swapped.join(',')}\n${moved}\n`)];
  const rows = (outcome: Outcome): unknown => outcome.rows;
  const options = { memory, convert: true };
  const [a, b] = [
    await lab.read(config({ skip_header_lines: 1 }), [usual], options),
    await lab.read(config({ skip_header_lines: 1 }), [other], options),
  ];
  assert.equal(rows(a), rows(b));
  assert.equal([a.typed, b.typed, b.redone], [TYPED, TYPED, []]);
});

test('many small files, a file of several chunks, and compressed ones', async () => {
  const small: ParserFile[] = [];
  for (let i = 0; i < 5; i++) small.push(await lab.file(`${CLEAN}\n`.repeat(i) + (i % 2 ? CLEAN : '')));
  assert.equal((await compare(config(), small)).typed, TYPED);
  assert.equal((await compare(config(), [...small, await lab.file(`${CLEAN}\n${CLEAN.replace('true', 'yes')}`)])).redone.length, 1);
  // Twelve MB: three chunks, and windows are looked at.
  const large = MANY.repeat(9);
  const clean = await compare(config(), [await lab.file(large)]);
  assert.equal([clean.typed, clean.redone], [TYPED, []]);
  const middle = `${MANY.repeat(4)}${`${CLEAN.replace('0.5', '1e3')}\n`.repeat(200)}${MANY.repeat(4)}`;
  assert.equal(
    (await compare(config(), [await lab.file(middle)])).typed,
    TYPED.filter((name) => name !== 'd'),
  );
  for (const [text, redone] of [
    [MANY.repeat(4), 0],
    [`${MANY.repeat(4)}${CLEAN.replace('true', 'yes')}`, 1],
  ] as const) {
    const plain = await lab.read(config(), [await lab.file(text)], { convert: true });
    const raw = await lab.file(gzipSync(text), 'typed.csv.gz');
    const packed = { ...raw, decoders: ['gzip'], open: () => gzip.decode(raw.openRaw(), {}, lab.ctx) };
    const outcome = await lab.read(config(), [packed], { convert: true });
    assert.equal(outcome.rows, plain.rows);
    assert.equal([outcome.typed, outcome.redone.length], [TYPED, redone]);
  }
});

test('a record that is longer than what is kept of it', async () => {
  const wide = CLEAN.split(',')
    .map((field, i) => (COLUMNS[i]?.name === 's' ? `"${'y\n'.repeat(700_000)}"` : field))
    .join(',');
  for (const last of ['\n', `\n${MANY}`, '']) await compare(config(), [await lab.file(`${MANY.repeat(3)}${wide}${last}`)]);
});

test.run();
