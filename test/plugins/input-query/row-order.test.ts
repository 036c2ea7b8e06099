import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mayLoseOrder } from '../../../src/warehouse/query/row-order.js';
import { TestProject } from '../../engine/project.js';

const ROWS = 400_000;
const test = suite<{ project: TestProject }>('order of exported rows');
test.before(async (context) => {
  context.project = new TestProject();
  // More than 8 MB once it is compressed.
  context.project.write(
    'seed.yml',
    `in: {type: query, sql: "select i as id, md5(i::varchar) || md5((-1 - i)::varchar) as text from range(${ROWS}) t(i)"}
out: {type: warehouse, table: shop.big}
`,
  );
  assert.is((await context.project.run('seed.yml')).written, ROWS);
});
test.after((context) => context.project.remove());

/** The ids of the one file that a query's rows are written to. */
async function exportIds(project: TestProject, name: string, sql: string, formatter: string): Promise<readonly number[]> {
  project.write(`${name}.yml`, `in: {type: query, sql: "${sql}"}\nout: {type: file, path_prefix: ${name}/x, formatter: {type: ${formatter}}}\n`);
  const { written } = await project.run(`${name}.yml`);
  const folder = join(project.folder, name);
  const [file = ''] = readdirSync(folder).filter((each) => each.startsWith('x'));
  const text = readFileSync(join(folder, file), 'utf8');
  const ids =
    formatter === 'json'
      ? (JSON.parse(text) as { id: number }[]).map(({ id }) => id)
      : text
          .trim()
          .split(/\r?\n/)
          .slice(1)
          .map((line) => Number(line.split(',')[0]));
  assert.is(ids.length, written);
  return ids;
}

const all = Array.from({ length: ROWS }, (_, i) => i);

test('without ORDER BY each row comes once', async ({ project }) => {
  const ids = await exportIds(project, 'plain', 'select id, text from shop.big', 'csv');
  assert.equal(
    [...ids].sort((a, b) => a - b),
    all,
  );
});

test('a JSON array is whole', async ({ project }) => {
  const ids = await exportIds(project, 'array', 'select id from shop.big', 'json');
  assert.equal(
    [...ids].sort((a, b) => a - b),
    all,
  );
});

test('ORDER BY holds for the file', async ({ project }) => {
  const ids = await exportIds(project, 'ordered', 'select id, text from shop.big order by id desc', 'csv');
  assert.equal(ids, [...all].reverse());
});

test('what depends on the order of rows keeps that of the table', () => {
  const big = 100 << 20;
  assert.ok(mayLoseOrder(['select id, text from shop.orders where at > 1', 'select sum(a) from t group by b'], big));
  assert.not.ok(mayLoseOrder(['select id from shop.orders'], 1 << 20));
  for (const text of [
    '… ORDER\nBY id',
    '… limit 3',
    'select row_number() over ()',
    'select first(a) from t',
    'select string_agg(a) from t',
    'select json_group_array(a) from t',
    'select array(select a from t)',
    '… using sample 10',
  ])
    assert.not.ok(mayLoseOrder([text], big), text);
  assert.not.ok(mayLoseOrder(['select * from view_of_it', 'select * from shop.t limit 10'], big), 'a view counts, too');
});

test.run();
