import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { TestProject } from './project.js';

interface Bench {
  server: PostgresServer;
  client: pg.Client;
  project: TestProject;
}

const test = suite<Bench>('several outputs of one load');
const ENV = { DB_PASSWORD: '' };

test.before(async (bench) => {
  bench.server = await startPostgres();
  ENV.DB_PASSWORD = bench.server.password;
  bench.client = new pg.Client(bench.server.url);
  await bench.client.connect();
});
test.after(async (bench) => {
  await bench.client.end();
  await bench.server.stop();
});
test.before.each((bench) => {
  bench.project = new TestProject();
  bench.project.write(
    'sluice.yml',
    `connections:
  shop: {type: postgresql, host: 127.0.0.1, port: ${bench.server.port}, user: ${bench.server.user}, password: {env: DB_PASSWORD}, database: ${bench.server.database}}
`,
  );
  bench.project.write('data/1.csv', 'id,country\n1,jp\n2,us\n3,jp\n4,fr\n5,\n');
});
test.after.each(async (bench) => {
  bench.project.remove();
  await bench.client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
});

function write({ project }: Bench, outputs: readonly string[], more = ''): void {
  project.write(
    'load.yml',
    `in: {type: csv, path_prefix: data/, skip_header_lines: 1, columns: [{name: id, type: long}, {name: country, type: string}]}
out:
${outputs.map((output) => `  - ${output}`).join('\n')}
${more}`,
  );
}

const JP = '{connection: shop, table: jp, mode: append, where: "country = \'jp\'"}';
const US = '{type: warehouse, table: shop.us, where: "country = \'us\'"}';
const ALL = '{type: warehouse, table: shop.everything}';

async function count({ client }: Bench, table: string): Promise<number> {
  return Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);
}

async function run({ project }: Bench, hooks: Parameters<TestProject['sluice']>[1] = {}) {
  const outcome = await project.sluice(['run', 'load.yml', '--json'], { env: ENV, ...hooks });
  const { pipelines } = JSON.parse(outcome.stdout) as {
    pipelines?: { read: number; written: number; filtered: number; rejected: number; commit: { targets: { name: string; rows: number }[] } }[];
  };
  return { code: outcome.code, told: outcome.stdout + outcome.stderr, summary: pipelines?.[0] };
}

test('each row goes to every output whose condition it meets; with one that takes all nothing is left over', async (bench) => {
  write(bench, [JP, US, ALL]);
  const { code, told, summary } = await run(bench);
  assert.is(code, 0, told);
  assert.equal(
    summary?.commit.targets.map((target) => [target.name, target.rows]),
    [
      ['public.jp', 2],
      ['shop.us', 1],
      ['shop.everything', 5],
    ],
  );
  assert.is(summary?.written, 5);
  assert.is(await count(bench, 'jp'), 2);
  assert.equal(await bench.project.query('SELECT (SELECT count(*) FROM shop.us) us, (SELECT count(*) FROM shop.everything) alle'), [
    { us: 1, alle: 5 },
  ]);
  bench.project.write('data/2.csv', 'id,country\n6,jp\n');
  assert.is((await run(bench)).summary?.written, 1);
  assert.is(await count(bench, 'jp'), 3);
});

test('a row that no output takes is rejected as unrouted, or dropped when told so', async (bench) => {
  write(bench, [JP, US], 'exec: {max_rejects: 2}');
  const { code, told, summary } = await run(bench);
  assert.is(code, 0, told);
  assert.equal([summary?.read, summary?.written, summary?.filtered, summary?.rejected], [5, 3, 0, 2]);
  const rejects = await bench.project.query<{ reason: string; record_number: number }>(
    'SELECT reason, record_number FROM sluice_rejects.load ORDER BY 2',
  );
  assert.match(rejects[0]?.reason ?? '', 'unrouted');
  assert.equal(
    rejects.map((reject) => Number(reject.record_number)),
    [4, 5],
  );
  write(bench, [JP.replace('table: jp', 'table: jp2'), US.replace('shop.us', 'shop.us2')], 'unmatched: drop');
  const dropped = await run(bench);
  assert.is(dropped.code, 0, dropped.told);
  assert.equal([dropped.summary?.read, dropped.summary?.written, dropped.summary?.filtered, dropped.summary?.rejected], [5, 3, 2, 0]);
});

test('cut off between two targets, the next start completes the rest and doubles nothing', async (bench) => {
  for (const point of ['commit.target_committed', 'commit.pointer_swapped', 'commit.state_stored'] as const) {
    write(bench, [JP, ALL]);
    const cut = await run(bench, {
      reach: (at) => {
        if (at === point) throw new Error('cut');
      },
    });
    assert.is.not(cut.code, 0, point);
    assert.is(await count(bench, 'jp'), 2, point);
    write(bench, [JP.replace("'jp'\"", "'fr'\""), ALL]);
    const changed = await run(bench);
    assert.match(changed.told, 'COMMIT_BEGUN', point);
    write(bench, [JP, ALL]);
    const again = await run(bench);
    assert.is(again.code, 0, again.told);
    assert.is(await count(bench, 'jp'), 2, point);
    assert.equal(await bench.project.query('SELECT count(*) n FROM shop.everything'), [{ n: 5 }]);
    await bench.client.query('DROP TABLE jp, sluice_ledger');
    assert.is((await bench.project.sluice(['drop', 'shop.everything', '--yes'])).code, 0);
    await bench.project.sluice(['state', 'reset', 'load', '--yes']);
  }
});

test('rows that a target refused at the commit are read anew from a source that was mended, unless a target holds them', async (bench) => {
  const { client } = bench;
  const read = (outputs: readonly string[]): string =>
    bench.project.write(
      'load.yml',
      `in: {type: postgresql, connection: shop, table: source}\nout:\n${outputs.map((output) => `  - ${output}\n`).join('')}`,
    );
  await client.query('CREATE TABLE source AS SELECT 1 AS id; CREATE TABLE first (id bigint); CREATE TABLE second (id bigint CHECK (id > 1))');
  const [first, second] = ['{connection: shop, table: first, mode: append}', '{connection: shop, table: second, mode: append}'];
  read([second, ALL]);
  const refused = await run(bench);
  assert.is(refused.code, 4, refused.told);
  await client.query('UPDATE source SET id = 2');
  const mended = await run(bench);
  assert.is(mended.code, 0, mended.told);
  assert.equal(await bench.project.query('SELECT id FROM shop.everything'), [{ id: 2 }]);
  // The first target holds the rows already: the second must take the same ones.
  await client.query('UPDATE source SET id = 0');
  read([first, second]);
  const half = await run(bench);
  assert.is(half.code, 4, half.told);
  assert.is(await count(bench, 'first'), 1);
  await client.query('UPDATE source SET id = 3');
  const again = await run(bench);
  assert.is(again.code, 4, again.told);
  await client.query('ALTER TABLE second DROP CONSTRAINT second_id_check');
  const completed = await run(bench);
  assert.is(completed.code, 0, completed.told);
  assert.equal(
    (await client.query('SELECT id::int FROM second ORDER BY 1')).rows,
    (await client.query('SELECT id::int FROM first UNION ALL SELECT 2 ORDER BY 1')).rows,
  );
});

test('what cannot be right is refused before a row moves', async (bench) => {
  const refused = async (outputs: readonly string[], code: string): Promise<void> => {
    write(bench, outputs);
    const { told, code: exit } = await run(bench);
    assert.is(exit, 2, told);
    assert.match(told, code);
  };
  await refused([ALL, ALL], 'SAME_TARGET_TWICE');
  await refused([ALL, '{type: warehouse, table: shop.b, mode: replace}'], 'MODES_DIFFER');
  await refused([ALL, US.replace('country', 'land')], 'ROUTE_WHERE');
  await refused([ALL, US.replace("country = 'us'", 'id + 1')], 'ROUTE_WHERE');
  await refused([ALL, '{type: warehouse, table: shop.b, where: 1}'], 'CONFIG_WRONG_TYPE');
});

test.run();
