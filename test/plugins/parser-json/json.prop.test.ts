import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kindOf, scanValue } from '../../../src/plugins/shared/json-scanner.js';
import { readLayout, type JsonParserConfig } from '../../../src/plugins/parser-json/config.js';
import json from '../../../src/plugins/parser-json/index.js';
import { openOwnLane } from '../../../src/plugins/parser-json/own-reading.js';
import { openLab, place, readAll, type Lab } from './lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

const config: JsonParserConfig = {
  type: 'json',
  columns: [
    { name: 'a', type: 'long' },
    { name: 's', type: 'string' },
    { name: 'j', type: 'json' },
    { name: 'd', type: 'decimal(30,10)' },
    { name: 'e', type: 'double' },
    { name: 't', type: 'timestamp', format: '%s' },
  ],
};

const space = fc.constantFrom('', '', '', ' ', '\t');
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '-0',
    '-0.0',
    '1.10',
    '1e5',
    '12345678901234567890',
    '0.1000000000000000055',
    '1234567890.1234567891',
    '1E400',
    '01',
    '.5',
    'NaN',
    '-Infinity',
  ),
);
const text = fc
  .oneof(fc.string({ maxLength: 8 }), fc.constantFrom('NaN', ', inf ', '{"a":1}', '":-0,', '\u0000', 'é', '\ud83d\ude00', ',}', '\\'))
  .map((s) => JSON.stringify(s));
const scalar = fc.oneof(number, text, fc.constantFrom('null', 'true', 'false', '"\\u0041"', '"\\ud800"', '"\\x"'));
const { value } = fc.letrec<{ value: string; tree: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('tree')),
  tree: fc.oneof(
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), space).map(([items, s]) => `[${s}${items.join(`,${s}`)}]`),
    fc
      .tuple(fc.array(fc.tuple(fc.constantFrom('"x"', '"a"', '"j"'), tie('value')), { maxLength: 3 }), space)
      .map(([items, s]) => `{${items.map(([k, v]) => `${k}:${s}${v}`).join(',')}}`),
  ),
}));
const key = fc.constantFrom('"a"', '"s"', '"j"', '"d"', '"e"', '"t"', '"A"', '"other"', '"\\u0061"', '"\\u0064"');
const member = fc.tuple(key, space, space, value).map(([k, s1, s2, v]) => `${k}${s1}:${s2}${v}`);
const object = fc
  .tuple(fc.array(member, { maxLength: 7 }), space, fc.constantFrom('', '', '', '', ','))
  .map(([m, s, tail]) => `{${s}${m.join(`${s},`)}${tail}}`);
const line = fc.oneof(
  { weight: 12, arbitrary: object },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '{', '{"a":1}{"a":2}', '{"a":', 'foo', '\ufeff{}') },
);

test('both lanes read every text alike: values, rejects, places', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), async (lines, newline, ended) => {
      const file = await lab.file(lines.join(newline) + (ended ? newline : ''), 'fuzz.json');
      const plan = await json.plan(config, [file], { ...lab.ctx, place, memory: undefined, sql: lab.sql });
      const routed = await readAll(await json.open([file], plan, config, lab.ctx), lab.sql);
      const own = await readAll(await openOwnLane([file], readLayout(config), lab.ctx), lab.sql);
      const values = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
      assert.equal(values(routed.values), values(own.values));
      assert.equal(routed.rejects, own.rejects);
      assert.equal(routed.places, own.places);
      assert.is(routed.verdict.read, routed.rows.length + routed.rejects.length);
    }),
    { numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 1000 : 150 },
  );
});

test('the scanner agrees with JSON.parse on what is JSON, but for lone surrogates', () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.json(), fc.string({ maxLength: 12 })), (source) => {
      const bytes = Buffer.from(source.trim());
      if (bytes.length === 0) return;
      const got = scanValue(bytes, 0, bytes.length);
      let valid = true;
      try {
        JSON.parse(source);
      } catch {
        valid = false;
      }
      const whole = got.kind === 'value' && got.end === bytes.length;
      if (whole !== valid) assert.match(source, /\\ud[89a-f]|[\u000b\u000c\ufeff\u00a0\u2028\u2029\u1680\u2000-\u200a\u202f\u205f\u3000]/i);
      if (whole && valid) assert.is(kindOf(bytes, 0), kindByParse(JSON.parse(source)));
    }),
    { numRuns: 2000 },
  );
});

function kindByParse(parsed: unknown): string {
  if (parsed === null) return 'null';
  return Array.isArray(parsed) ? 'array' : typeof parsed;
}

test.run();
