import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readLayout, type JsonParserConfig } from '../../../src/plugins/parser-json/config.js';
import json from '../../../src/plugins/parser-json/index.js';
import { openOwnLane } from '../../../src/plugins/parser-json/own-reading.js';
import { KINDS, PlainLines } from '../../../src/plugins/parser-json/plain-lines.js';
import { isPlainSample, typedShape } from '../../../src/plugins/parser-json/typed-lane.js';
import { scanValue } from '../../../src/plugins/shared/json-scanner.js';
import { openLab, place, readAll, type Lab, type Outcome } from './lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

const config: JsonParserConfig = {
  type: 'json',
  columns: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'ratio', type: 'double' },
    { name: 'ok', type: 'boolean' },
    { name: 'at', type: 'timestamp', format: '%Y-%m-%d' },
    { name: 'again', type: 'string', element_at: '/name' },
  ],
};
const FIRST = '{"id":1,"name":"a","ratio":1.5,"ok":true,"at":"2024-01-01","extra":7}\n';

async function load(texts: readonly string[]): Promise<{ routed: Outcome; own: Outcome; typed: boolean }> {
  const files = [];
  for (const text of texts) files.push(await lab.file(text));
  const plan = await json.plan(config, files, { ...lab.ctx, place, memory: undefined, sql: lab.sql });
  const reading = await json.open(files, plan, config, lab.ctx);
  // Numbers come as such.
  const typed = reading.relation.columns[0]?.text === undefined;
  const routed = await readAll(reading, lab.sql);
  const own = await readAll(await openOwnLane(files, readLayout(config), lab.ctx), lab.sql);
  assert.equal(routed.values, own.values);
  assert.equal(routed.rejects, own.rejects);
  assert.equal(routed.places, own.places);
  assert.equal(routed.verdict.files, own.verdict.files);
  assert.is(routed.verdict.read, own.verdict.read);
  return { routed, own, typed };
}

test('plain lines are read typed, with their places and hashes, over several files', async () => {
  const { routed, typed } = await load([
    `${FIRST}{ "id": -2, "name": "q\\"\\u00e9\\n", "ok": null }\r\n{"ratio":-0.0}`,
    '',
    '{"id":999999999999999999,"name":"é","ratio":0.30000000000000004,"at":"2024-02-30"}\n',
  ]);
  assert.ok(typed);
  assert.equal(routed.redone, []);
  assert.equal(
    routed.values.map((row) => [row['id'], row['name'], row['ratio'], row['ok'], row['at'], row['again']]),
    [
      ['1', 'a', '1.5', 'true', '2024-01-01 00:00:00+00', 'a'],
      ['-2', 'q"é\n', null, null, null, 'q"é\n'],
      [null, null, '-0.0', null, null, null],
      ['999999999999999999', 'é', '0.30000000000000004', null, null, 'é'],
    ],
  );
  assert.equal(
    routed.places.map((p) => [p.source, p.recordNumber, p.byteOffset]),
    routed.places.map((p, i) => [p.source, [1, 2, 3, 1][i], p.byteOffset]),
  );
});

test('a line that is not plain, behind the sample, has the files read again exactly', async () => {
  const before = FIRST.repeat(4000);
  for (const line of [
    '{"ID":5}',
    '{"id":5,"id":6}',
    '{"name":"x","id":5}',
    '{"id":1.5}',
    '{"id":1e2}',
    '{"id":-0}',
    '{"id":01}',
    '{"id":"5"}',
    '{"id":9223372036854775808}',
    '{"ratio":1E400}',
    '{"ratio":NaN}',
    '{"name":5}',
    '{"name":"\\u0000"}',
    '{"name":"\\ud83d\\ude00"}',
    '{"name":"\\ud83d"}',
    '{"name":"a\tb"}',
    '{"\\u0069d":5}',
    '{"extra":{"id":5}}',
    '{"unknown":5}',
    '{"ok":1}',
    '{"ok":"true"}',
    '{"id":1,}',
    '{"id":1}{"id":2}',
    '{"id":1',
    '{}',
    '',
    ' {"id":5}',
    'x',
    '[1]',
  ]) {
    const { routed, typed } = await load([`${before}${line}\n${FIRST}`]);
    assert.ok(typed, line);
    assert.is(routed.redone[0], 'a line is not plain', line);
  }
});

test('a file whose first lines are not plain is not tried', async () => {
  const { typed } = await load([`${FIRST}{"ID":5}\n`]);
  assert.not(typed);
});

test('shapes: what the typed reader cannot tell apart, or would change, is left to the other lanes', () => {
  const shape = (columns: { name: string; type: string; element_at?: string }[], ...lists: string[][]): unknown =>
    typedShape(readLayout({ type: 'json', columns }), lists);
  assert.equal(shape([{ name: 'a', type: 'long' }], ['x', 'a'], ['x', 'b', 'a']), {
    wanted: [{ name: 'a', type: 'BIGINT' }],
    keys: [
      { name: 'x', kinds: KINDS.scalar },
      { name: 'b', kinds: KINDS.scalar },
      { name: 'a', kinds: KINDS.integer },
    ],
  });
  const long = { name: 'a', type: 'long' };
  assert.is(shape([long], ['a', 'A']), undefined);
  assert.is(shape([long], ['A']), undefined);
  assert.is(shape([long], []), undefined);
  assert.is(shape([long], ['a', 'é']), undefined);
  assert.is(shape([long], ['a', 'b"']), undefined);
  assert.is(shape([long, { name: 'b', type: 'string', element_at: '/a' }], ['a']), undefined);
  assert.is(shape([{ name: 'a', type: 'decimal(10,2)' }], ['a']), undefined);
  assert.is(shape([{ name: 'a', type: 'json' }], ['a']), undefined);
});

test('a line that does not fit, and one that ends with the file', async () => {
  const shape = typedShape(readLayout(config), [['id', 'name', 'ratio', 'ok', 'at', 'extra']]);
  assert.ok(shape);
  assert.ok(isPlainSample(shape, Buffer.from(`${FIRST}{"id`)));
  assert.not(isPlainSample(shape, Buffer.from('{"id":1}')));
  const long = await load([`${FIRST}{"name":"${'x'.repeat(900_000)}"}\n${FIRST}{"name":"${'y'.repeat(2_200_000)}"}`]);
  assert.equal(long.routed.redone, ['a line is not plain']);
  const fits = await load([`${FIRST}{"name":"${'x'.repeat(900_000)}"}\n`.repeat(4) + '{"id":3}']);
  assert.equal(fits.routed.redone, []);
});

test('bytes that are no UTF-8 are not plain', async () => {
  const file = await lab.file(Buffer.concat([Buffer.from(FIRST.repeat(4000)), Buffer.from('{"name":"'), Buffer.of(0xff), Buffer.from('"}\n')]));
  const plan = await json.plan(config, [file], { ...lab.ctx, place, memory: undefined, sql: lab.sql });
  const routed = await readAll(await json.open([file], plan, config, lab.ctx), lab.sql);
  assert.is(routed.redone[0], 'a line is not plain');
  assert.is(routed.rejects[0]?.reason, 'not valid UTF-8');
});

const KEYS = [
  { name: 'id', kinds: KINDS.integer },
  { name: 'a_key_of_more_than_16', kinds: KINDS.string },
  { name: 'r', kinds: KINDS.real },
  { name: 'b', kinds: KINDS.boolean },
  { name: 'x', kinds: KINDS.scalar },
];
const space = fc.constantFrom('', '', '', ' ', '\t', '  ');
const scalar = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.string({ maxLength: 40 }).map((s) => JSON.stringify(s)),
  fc.constantFrom(
    'null',
    'true',
    'false',
    '-0',
    '-0.0',
    '00',
    '1.',
    '.5',
    '-',
    '1e5',
    '"\\u00e9"',
    '"\\ud800"',
    '"\\u12"',
    '"\\x"',
    '"',
    'nul',
    '[1]',
    '{}',
  ),
);
const member = fc
  .tuple(fc.constantFrom(...KEYS.map((key) => key.name), 'other', 'ID', 'i'), space, scalar, space)
  .map(([key, before, value, after]) => ({ key, text: `"${key}":${before}${value}${after}` }));
const line = fc
  .tuple(fc.array(member, { maxLength: 6 }), space, fc.constantFrom('\n', '\n', '\r\n'), fc.boolean())
  .map(([members, s, end, sorted]) => {
    const order = (key: string): number => KEYS.findIndex(({ name }) => name === key);
    const listed = sorted ? members.sort((a, b) => order(a.key) - order(b.key)) : members;
    return `{${s}${listed.map((m) => m.text).join(`,${s}`)}}${end}`;
  });

test('what is found plain is one JSON object, of known keys in order and of values of their kinds; counted line by line', () => {
  let found = 0;
  fc.assert(
    fc.property(line, (text) => {
      const plain = new PlainLines(KEYS, 1000);
      const length = plain.room.write(text);
      const holds = plain.holds(length);
      assert.is(plain.lines, holds ? 1 : 0);
      if (!holds) return;
      found++;
      const bytes = Buffer.from(text);
      assert.equal(scanValue(bytes, 0, bytes.length), { kind: 'value', end: text.trimEnd().length === 0 ? 0 : Buffer.byteLength(text.trimEnd()) });
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const keys = Object.keys(parsed);
      assert.is(keys.length, text.match(/"(?:id|a_key_of_more_than_16|r|b|x)":/g)?.length);
      assert.equal(
        keys,
        KEYS.map((key) => key.name).filter((name) => keys.includes(name)),
      );
      for (const { name, kinds } of KEYS) {
        const value = parsed[name];
        if (value === undefined || value === null) continue;
        if (typeof value === 'string') assert.ok(kinds & KINDS.string && !value.includes('\0'));
        else if (typeof value === 'boolean') assert.ok(kinds & KINDS.boolean);
        else assert.ok(typeof value === 'number' && kinds & (Number.isInteger(value) ? KINDS.integer : KINDS.real));
      }
    }),
    { numRuns: 4000 },
  );
  assert.ok(found > 30, `${found} plain lines`);
});

const typed = {
  id: fc.oneof(fc.integer(), fc.maxSafeInteger()),
  name: fc.string({ unit: 'grapheme', maxLength: 30 }),
  ratio: fc.integer({ min: -1e6, max: 1e6 }).map((n) => n + 0.1),
  ok: fc.boolean(),
};
const untyped = {
  ...typed,
  name: fc.string({ unit: 'binary', maxLength: 30 }),
  ratio: fc.double({ noNaN: true, noDefaultInfinity: true }),
  at: fc.constantFrom('2024-05-06', 'no date'),
  extra: fc.oneof(fc.integer(), fc.string()),
};
const textOf = (record: object): string => JSON.stringify(record);
const typedLine = fc.record(typed, { requiredKeys: [] }).map(textOf);
const anyLine = fc.record(untyped, { requiredKeys: [] }).map(textOf);

test('the typed lane gives what our tokenizer gives', async () => {
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.array(typedLine, { maxLength: 30 }), fc.array(anyLine, { maxLength: 30 })), async (lines) => {
      const { routed, typed } = await load([FIRST + lines.join('\n')]);
      if (typed && routed.redone.length === 0) kept++;
    }),
    { numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 600 : 60 },
  );
  assert.ok(kept > 5, `${kept} texts in the typed lane`);
});

test.run();
