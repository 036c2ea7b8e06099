import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import random from '../../../src/plugins/input-random/index.js';
import { TestProject } from '../../engine/project.js';

const test = suite('input random');

test('keeps the contract of inputs', async () => {
  const columns = [
    { name: 'n', type: 'long', sequence: true, min: 5 },
    { name: 'fixed', type: 'decimal(5,2)', min: '1.25', max: '1.25' },
    { name: 'word', type: 'string', values: ["it's"] },
    { name: 'never', type: 'boolean', null_rate: 1 },
    { name: 'day', type: 'date', min: '2026-02-01', max: '2026-02-02' },
  ];
  const row = (n: number): (string | null)[] => [String(n), '1.25', "it's", null, '2026-02-01'];
  await checkInput(random, [
    { title: 'rows', config: { rows: 3, columns }, rows: [row(5), row(6), row(7)] },
    { title: 'tasks', config: { rows: 3, tasks: 2, columns }, rows: [row(5), row(6), row(7)] },
    { title: 'no rows', config: { rows: 0, columns }, rows: [] },
    { title: 'bounds the wrong way round', config: { columns: [{ name: 'a', type: 'long', min: 2, max: 1 }] }, error: 'RANDOM_COLUMN' },
    { title: 'a count that is no long', config: { columns: [{ name: 'a', type: 'string', sequence: true }] }, error: 'RANDOM_COLUMN' },
    {
      title: 'a name twice',
      config: {
        columns: [
          { name: 'a', type: 'long' },
          { name: 'A', type: 'long' },
        ],
      },
      error: 'DUPLICATE_COLUMN',
    },
  ]);
});

test('values of every type lie within their bounds, and the same seed gives the same rows', async () => {
  const project = new TestProject();
  const config = (table: string, seed: number, tasks: number): string => `in:
  type: random
  rows: 20000
  seed: ${seed}
  tasks: ${tasks}
  columns:
    - {name: id, type: long, sequence: true}
    - {name: n, type: long, min: "-9223372036854775808", max: "9223372036854775807"}
    - {name: small, type: long, min: -2, max: 2}
    - {name: d, type: double, min: -1, max: 1}
    - {name: price, type: "decimal(12,2)", min: "-10.50", max: 10.5}
    - {name: wide, type: "decimal(38,10)"}
    - {name: s, type: string, length: 40}
    - {name: b, type: boolean}
    - {name: at, type: timestamp, min: "2026-03-01", max: "2026-03-02"}
    - {name: local, type: datetime}
    - {name: day, type: date}
    - {name: j, type: json}
    - {name: bin, type: binary, length: 5}
    - {name: country, type: string, values: [jp, us, null], null_rate: 0.25}
out: {type: warehouse, table: lab.${table}}
`;
  try {
    project.write('a.yml', config('a', 3, 1));
    project.write('b.yml', config('b', 3, 4));
    project.write('c.yml', config('c', 4, 1));
    for (const name of ['a', 'b', 'c']) assert.is((await project.run(`${name}.yml`)).written, 20_000);
    const [facts] =
      await project.query(`SELECT count(*) AS n, count(DISTINCT n) AS distinct_n, min(small) AS low, max(small) AS high, min(d) >= -1 AND max(d) < 1 AS doubles,
      min(price) >= -10.5 AND max(price) <= 10.5 AS prices, count(DISTINCT price) > 2000 AS many_prices, min(length(s)) AS short, count(DISTINCT s) AS texts,
      min("at") >= '2026-03-01' AND max("at") < '2026-03-02' AS times, count(country) AS countries, count(DISTINCT country) AS different, count(*) FILTER (b) AS trues,
      max(octet_length(bin)) AS bytes FROM lab.a`);
    const { countries, trues, ...exact } = facts as { countries: number; trues: number };
    assert.equal(exact, {
      n: 20_000,
      distinct_n: 20_000,
      low: -2,
      high: 2,
      doubles: true,
      prices: true,
      many_prices: true,
      short: 40,
      texts: 20_000,
      times: true,
      different: 2,
      bytes: 5,
    });
    assert.ok(Math.abs(countries - 10_000) < 600, `${countries}`);
    assert.ok(Math.abs(trues - 10_000) < 600, `${trues}`);
    const differing = async (other: string): Promise<unknown> =>
      (await project.query(`SELECT count(*) AS n FROM (SELECT * FROM lab.a EXCEPT SELECT * FROM lab.${other})`))[0]?.['n'];
    assert.is(await differing('b'), 0);
    assert.is(await differing('c'), 20_000);
  } finally {
    project.remove();
  }
});

test.run();
