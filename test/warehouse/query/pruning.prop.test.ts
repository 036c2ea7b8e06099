import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quoteLiteral } from '../../../src/core/spi/index.js';
import { field, openTestWarehouse, partition, withPartition, type TestWarehouse } from './fixture.js';

const RUNS = process.env['SLUICE_ROUNDS'] === 'full' ? 1500 : 50;

/** Strings that are hard to quote, to cut and to order. */
const TEXTS = [
  '',
  ' ',
  'a',
  "a'b",
  "a''b",
  'a"b',
  'a\nb',
  'a \n b',
  '\n',
  "'\n'",
  "x' AND k1_c1=1 OR '",
  'k1_c1',
  'a\\nb',
  'a\tb',
  '\r\n',
  '%',
  'ab_',
  'Ab',
  'zebra',
  'z'.repeat(40),
  'ü',
  '漢字',
  '\u{1F600}',
  '\uFFFD',
  '\uE000x',
  '\u{10FFFF}',
  'optional: x',
  'Dynamic Filter (k1_c1)',
  "'::DATE",
  '[INFOSEPARATOR]',
  '\u0001',
  '…',
  'NULL',
  'nan',
  '-',
  '--',
  '/* */',
  ';',
  '$a',
  '{}',
  'AND',
  ') OR (',
  "') OR k1_c3='a",
];
const sqlText = (text: string): string => quoteLiteral(text);

const COLUMNS = [
  { name: 'l', type: 'long', literals: ['0', '1', '-1', '7', '100', '-9223372036854775807', '9223372036854775807', '12345678901', '3.5', '1e3'] },
  { name: 'i', type: 'int', literals: ['0', '-2147483648', '2147483647', '12', '5000000000'] },
  { name: 'd', type: 'double', literals: ['0.0', '-0.0', '1.5', '1e300', `'nan'::DOUBLE`, `'inf'::DOUBLE`, `'-inf'::DOUBLE`, '0.1', '2'] },
  { name: 'f', type: 'float', literals: ['0.1', '0.0', '-0.0', `'nan'::FLOAT`, `'inf'::FLOAT`, '16777217', '0.1::FLOAT'] },
  { name: 's', type: 'string', literals: TEXTS.map(sqlText) },
  { name: 'b', type: 'boolean', literals: ['true', 'false'] },
  {
    name: 'dt',
    type: 'date',
    literals: [`DATE '2024-01-05'`, `DATE '1969-12-31'`, `DATE '0099-03-01'`, `DATE '9999-12-31'`, `'2024-01-31'`, `DATE '12345-01-01'`],
  },
  {
    name: 'ts',
    type: 'timestamp',
    literals: [`TIMESTAMP '2024-01-05 12:00:00.123456'`, `TIMESTAMP '1969-12-31 23:59:59.999999'`, `'2024-02-29'`, `TIMESTAMP '0001-01-01'`],
  },
  {
    name: 'tz',
    type: 'timestamptz',
    literals: [
      `TIMESTAMPTZ '2024-01-05 12:00:00.5+09:00'`,
      `'2024-01-05 06:00:00'`,
      `TIMESTAMPTZ '1960-01-01 00:00:00+00'`,
      `TIMESTAMPTZ 'infinity'`,
    ],
  },
  { name: 'n', type: 'decimal(12, 2)', literals: ['0', '0.01', '-12.34', '9999999999.99', '1.005', '12'] },
  { name: 'u', type: 'uuid', literals: [`'00000000-0000-0000-0000-000000000001'::UUID`, `'f0000000-0000-0000-0000-000000000001'::UUID`] },
  { name: 'x', type: 'binary', literals: [`'\\x00\\xFF'::BLOB`, `'abc'::BLOB`, `''::BLOB`] },
] as const;
const SPECS: readonly (readonly [number, string][])[] = [
  [],
  [[9, 'day']],
  [
    [9, 'hour'],
    [5, 'truncate[2]'],
  ],
  [[5, 'bucket[4]']],
  [
    [1, 'bucket[3]'],
    [7, 'month'],
  ],
  [[1, 'truncate[10]']],
  [
    [8, 'year'],
    [6, 'identity'],
  ],
  [[10, 'truncate[100]']],
  [
    [5, 'identity'],
    [10, 'bucket[2]'],
  ],
  [
    [7, 'day'],
    [11, 'bucket[2]'],
  ],
];

let house: TestWarehouse;

test.before(async () => {
  house = await openTestWarehouse();
  const fields = [...COLUMNS.map((c, i) => field(i + 1, c.name, c.type)), field(99, 'id', 'long')];
  const rows = Array.from({ length: 240 }, (_, r) => {
    const cells = COLUMNS.map((c, i) => {
      // Iceberg has no infinite instants, so only the queries hold one.
      const stored = c.literals.filter((text) => !text.includes('infinity'));
      const literal = stored[(r * (i + 3) + (r >> 3)) % stored.length] ?? 'NULL';
      return (r + i) % 11 === 0 ? `NULL AS ${c.name}` : `TRY_CAST(${literal} AS ${duck(c.type)}) AS ${c.name}`;
    });
    return `SELECT ${cells.join(', ')}, ${r}::BIGINT AS id`;
  });
  for (let i = 0; i < 4; i++) rows.push(`SELECT ${COLUMNS.map((c) => `NULL::${duck(c.type)} AS ${c.name}`).join(', ')}, ${240 + i}::BIGINT AS id`);
  await house.sql.run(`CREATE TABLE plain AS ${rows.join(' UNION ALL ')}`);
  await house.createTable('p.t', fields);
  for (const [k, spec] of SPECS.entries()) {
    await house.change('p.t', (t) =>
      withPartition(
        t,
        spec.map(([source, transform], i) => partition(1000 + k * 10 + i, source, transform)),
      ),
    );
    const share = `SELECT * FROM plain WHERE id % ${SPECS.length} = ${k}`;
    await house.append('p.t', [`${share} AND id < 120`, `${share} AND id >= 120`], { withoutStats: k % 4 === 3 });
  }
});
test.after(() => house.close());

function duck(type: string): string {
  return (
    (
      {
        long: 'BIGINT',
        int: 'INTEGER',
        double: 'DOUBLE',
        float: 'FLOAT',
        string: 'VARCHAR',
        boolean: 'BOOLEAN',
        date: 'DATE',
        timestamp: 'TIMESTAMP',
        timestamptz: 'TIMESTAMPTZ',
        uuid: 'UUID',
        binary: 'BLOB',
      } as Record<string, string>
    )[type] ?? 'DECIMAL(12,2)'
  );
}

const column = fc.constantFrom(...COLUMNS);
const literalOf = (c: (typeof COLUMNS)[number]): fc.Arbitrary<string> => {
  const known = fc.constantFrom<string>(...c.literals);
  if (c.type === 'string')
    return fc.oneof(
      known,
      fc.string({ unit: 'grapheme', maxLength: 6 }).map((t) => sqlText(t.replaceAll('\0', ''))),
    );
  if (c.type === 'long') return fc.oneof(known, fc.bigInt(-300n, 300n).map(String));
  return known;
};
const leaf: fc.Arbitrary<string> = column.chain((c) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom('=', '<', '<=', '>', '>=', '<>', 'IS NOT DISTINCT FROM'), literalOf(c))
        .map(([op, v]) => `${c.name} ${op} ${v}`),
    },
    { weight: 2, arbitrary: fc.array(literalOf(c), { minLength: 1, maxLength: 4 }).map((v) => `${c.name} IN (${v.join(', ')})`) },
    { weight: 1, arbitrary: fc.tuple(literalOf(c), literalOf(c)).map(([a, z]) => `${c.name} BETWEEN ${a} AND ${z}`) },
    { weight: 1, arbitrary: fc.constantFrom(`${c.name} IS NULL`, `${c.name} IS NOT NULL`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'b',
        'NOT b',
        `s LIKE 'a%'`,
        `starts_with(s, 'a')`,
        `date_trunc('day', tz) = '2024-01-05'`,
        `dt + 1 > DATE '2024-01-05'`,
        'l + 1 > 5',
        `upper(s) = 'A'`,
        'd = d',
      ),
    },
  ),
);
const predicate: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'p' },
    { weight: 3, arbitrary: leaf },
    fc.tuple(tie('node'), fc.constantFrom('AND', 'OR'), tie('node')).map(([a, op, z]) => `(${a}) ${op} (${z})`),
    tie('node').map((a) => `NOT (${a})`),
  ),
})).node;

async function answer(run: (sql: string) => Promise<Record<string, unknown>[]>, sql: string): Promise<string> {
  try {
    return JSON.stringify(await run(sql), (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
  } catch (error) {
    return `error ${(error as Error).message.includes('Could not convert') || (error as Error).message.includes('out of range') ? 'value' : (error as Error).message}`;
  }
}

test('the pruned answer is the unpruned one', async () => {
  let pruned = 0;
  await fc.assert(
    fc.asyncProperty(predicate, async (where) => {
      const expected = await answer((sql) => house.sql.rows(sql), `SELECT list(id ORDER BY id) AS ids FROM plain WHERE ${where}`);
      if (expected.startsWith('error')) return;
      assert.is(await answer((sql) => house.rows(sql), `SELECT list(id ORDER BY id) AS ids FROM p.t WHERE ${where}`), expected);
      const stats = await house.engine.explain(`SELECT id FROM p.t WHERE ${where}`);
      if (stats.filesKept < stats.filesTotal) pruned++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(pruned > RUNS / 5, `only ${pruned} of ${RUNS} were pruned at all`);
});

test('literals as parameters give the same answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('=', '<', '>='),
      fc.oneof(
        fc.constantFrom(...TEXTS),
        fc.string({ unit: 'grapheme', maxLength: 8 }).map((t) => t.replaceAll('\0', '')),
      ),
      async (op, text) => {
        const expected = await answer((sql) => house.sql.rows(sql), `SELECT list(id ORDER BY id) AS ids FROM plain WHERE s ${op} ${sqlText(text)}`);
        assert.is(
          await answer((sql) => house.rows(sql, { params: { text } }), `SELECT list(id ORDER BY id) AS ids FROM p.t WHERE s ${op} $text`),
          expected,
        );
      },
    ),
    { numRuns: Math.ceil(RUNS / 3) },
  );
});

test.run();
