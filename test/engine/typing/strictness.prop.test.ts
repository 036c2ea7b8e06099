import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { DuckConnection } from '../../../src/core/duckdb/index.js';
import { conversionSql, type TextColumn } from '../../../src/core/engine/typing/index.js';
import { quoteLiteral } from '../../../src/core/spi/index.js';
import { NASTY, withConnection } from './definitions.js';
import * as oracle from './oracles.js';

interface Subject {
  readonly column: TextColumn;
  readonly expected: oracle.Oracle;
  /** SQL that shows the typed value `v` as the oracle does. */
  readonly shown: string;
  /** Good texts to damage. */
  readonly seeds: readonly string[];
  /** Turns DuckDB's text of the value into the oracle's. */
  readonly normalise?: (text: string) => string;
}

const micros = 'epoch_us(v)::varchar';
const doubleText = (text: string): string =>
  text === 'nan' ? 'NaN' : text === 'inf' ? 'Infinity' : text === '-inf' ? '-Infinity' : Object.is(Number(text), -0) ? '-0' : String(Number(text));
const times = ['2001-02-03 04:05:06', '2024-02-29T23:59:59', '2024-12-31 00:00:00'];

const SUBJECTS: Readonly<Record<string, Subject>> = {
  long: { column: { type: 'long' }, expected: oracle.long, shown: 'v::varchar', seeds: ['12345', '-9223372036854775808', '100'] },
  double: {
    column: { type: 'double' },
    expected: oracle.double,
    shown: 'v::varchar',
    normalise: doubleText,
    seeds: ['12.5', '-0.1e10', '1234567.875', '.5'],
  },
  'decimal(12,2)': {
    column: { type: 'decimal(12,2)' },
    expected: oracle.decimal(12, 2),
    shown: '(v * 100)::decimal(18,0)::varchar',
    seeds: ['12.50', '-1234567890.99', '0.05'],
  },
  'decimal(38,0)': {
    column: { type: 'decimal(38,0)' },
    expected: oracle.decimal(38, 0),
    shown: 'v::varchar',
    seeds: ['12345678901234567890123456789012345678', '-5', '5.0'],
  },
  'decimal(4,4)': {
    column: { type: 'decimal(4,4)' },
    expected: oracle.decimal(4, 4),
    shown: '(v * 10000)::decimal(18,0)::varchar',
    seeds: ['0.1234', '.5', '-0.0001'],
  },
  boolean: { column: { type: 'boolean' }, expected: oracle.boolean, shown: 'v::varchar', seeds: ['true', 'off', '1'] },
  json: {
    column: { type: 'json' },
    expected: oracle.json,
    shown: 'v::varchar',
    seeds: ['{"a": [1, 2.50, true], "NaN,]": "inf\\n"}', '[null,{"b":"x\\"y,}"}]', '"text"', '-0.5e10'],
  },
  date: { column: { type: 'date' }, expected: oracle.isoDate, shown: micros, seeds: ['2001-02-03', '2024-02-29'] },
  'date %Y-%m-%d': {
    column: { type: 'date', text: { format: '%Y-%m-%d' } },
    expected: oracle.dayFormat,
    shown: micros,
    seeds: ['2001-02-03', '2024-2-9'],
  },
  datetime: {
    column: { type: 'datetime' },
    expected: oracle.isoDatetime,
    shown: micros,
    seeds: [...times, '2001-02-03 04:05', '2001-02-03 04:05:06.125'],
  },
  timestamp: {
    column: { type: 'timestamp' },
    expected: oracle.isoTimestamp,
    shown: micros,
    seeds: [...times, '2001-02-03T04:05:06Z', '2001-02-03 04:05:06.5 +09:00', '2001-02-03 04:05 UTC'],
  },
  'timestamp plain': {
    column: { type: 'timestamp', text: { format: '%Y-%m-%d %H:%M:%S' } },
    expected: oracle.plainFormat(false),
    shown: micros,
    seeds: [...times, '2001-2-3 4:5:6'],
  },
  'timestamp fraction': {
    column: { type: 'timestamp', text: { format: '%Y-%m-%d %H:%M:%S.%N' } },
    expected: oracle.plainFormat(true),
    shown: micros,
    seeds: ['2001-02-03 04:05:06.5', '2001-02-03 04:05:06.123456', '2001-02-03 04:05:06.123456789'],
  },
  'datetime day': { column: { type: 'datetime', text: { format: '%Y-%m-%d' } }, expected: oracle.dayFormat, shown: micros, seeds: ['2001-02-03'] },
};

const ALPHABET = [...'0123456789+-.,eE_xXnaNfiIbtTrRuUzZC :/()%\'"{}[]', '\t', '\n', '\r', '\v', '\f', '\u00a0', '\u2003', '٣', '５', 'é'];

/** Every text made from a seed by one change, or by changes at two places. */
function damaged(seed: string, pairs: boolean): Set<string> {
  const texts = new Set<string>();
  const chars = [...seed];
  for (let i = 0; i <= chars.length; i++) {
    for (const c of ALPHABET) {
      texts.add([...chars.slice(0, i), c, ...chars.slice(i)].join(''));
      if (i < chars.length) texts.add([...chars.slice(0, i), c, ...chars.slice(i + 1)].join(''));
    }
    texts.add([...chars.slice(0, i), ...chars.slice(i + 1)].join(''));
  }
  if (pairs) {
    const few = [...'049 .-:TZ_e', '\t', '\n'];
    for (let i = 0; i < chars.length; i++)
      for (let j = i + 1; j < chars.length; j++)
        for (const a of few) for (const b of few) texts.add(chars.map((c, k) => (k === i ? a : k === j ? b : c)).join(''));
  }
  return texts;
}

async function compare(sql: DuckConnection, name: string, texts: readonly string[]): Promise<void> {
  const { column, expected, shown, normalise } = SUBJECTS[name] as Subject;
  await sql.run('create or replace temp table texts (i integer, x varchar)');
  for (let at = 0; at < texts.length; at += 5000) {
    await sql.run(
      `insert into texts values ${texts
        .slice(at, at + 5000)
        .map((t, i) => `(${at + i}, ${quoteLiteral(t)})`)
        .join(', ')}`,
    );
  }
  const rows = await sql.rows(`select i, ${shown} as s from (select i, ${conversionSql('x', column)} as v from texts) order by i`);
  assert.is(rows.length, texts.length);
  rows.forEach((row, i) => {
    const text = texts[i] as string;
    const found = row['s'] === null || row['s'] === undefined ? undefined : (normalise ?? String)(String(row['s']));
    const wanted = expected(text);
    if (found !== wanted) assert.unreachable(`${name}: ${JSON.stringify(text)} gives ${String(found)}, the definition says ${String(wanted)}`);
  });
}

for (const [name, subject] of Object.entries(SUBJECTS)) {
  test(`${name} follows its definition for texts that DuckDB is lenient about`, () =>
    withConnection(async (sql) => {
      const texts = new Set(NASTY);
      for (const seed of subject.seeds) for (const t of damaged(seed, seed.length < 20)) texts.add(t);
      await compare(
        sql,
        name,
        [...texts].filter((t) => !t.includes('\0')),
      );
    }));
}

test('random texts convert exactly as defined', () =>
  withConnection(async (sql) => {
    const piece = fc.oneof(
      fc.constantFrom(...ALPHABET),
      fc.stringMatching(/^[0-9]{1,4}$/),
      fc.constantFrom('2024-', '-02-29', ' 10:', ':30', '.5', 'e1', '00'),
    );
    const text = fc.array(piece, { maxLength: 9 }).map((p) => p.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 300, maxLength: 300 }), async (texts) => {
        for (const name of Object.keys(SUBJECTS)) await compare(sql, name, texts);
      }),
      { numRuns: 8 },
    );
  }));

test('NULL stays NULL', () =>
  withConnection(async (sql) => {
    for (const { column } of Object.values(SUBJECTS)) {
      const rows = await sql.rows(`select ${conversionSql('x', column)} as v from (select null::varchar as x)`);
      assert.is(rows[0]?.['v'], null);
    }
  }));

test.run();
