import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('a list of outputs, row by row');

test.before.each((bench) => {
  bench.project = new TestProject();
  bench.project.write('data/1.csv', 'id,country\n1,jp\n2,us\n,jp\n4,fr\nx,jp\n,us\n');
});
test.after.each(({ project }) => project.remove());

const BY_ID = '{type: warehouse, table: shop.by_id, mode: merge, keys: [id]}';
const JP = '{type: warehouse, table: shop.jp, where: "country = \'jp\'"}';
const FILE = '{type: file, path_prefix: out/all_, formatter: {type: csv, newline: LF}}';

function write(project: TestProject, outputs: readonly string[], more = 'exec: {max_rejects: 10}'): void {
  project.write(
    'load.yml',
    `in: {type: csv, path_prefix: data/, skip_header_lines: 1, columns: [{name: id, type: long}, {name: country, type: string}]}
filters:
  - {type: where, condition: "country <> 'fr'"}
out:
${outputs.map((output) => `  - ${output}`).join('\n')}
${more}
`,
  );
}

interface Target {
  name: string;
  rows: number;
  filtered: number;
  rejected: number;
}

function counts(summary: { commit: object | null }): readonly (readonly [string, number, number, number])[] {
  const { targets } = summary.commit as { targets: readonly Target[] };
  return targets.map(({ name, rows, filtered, rejected }) => [name, rows, filtered, rejected]);
}

test('a row that one target refuses is missing there alone, and each target’s rows add up', async ({ project }) => {
  write(project, [BY_ID, JP, FILE]);
  const summary = await project.run('load.yml');
  // 6 read: x is no number, fr is filtered; both rows without an id have no key for the merge.
  assert.equal([summary.read, summary.written, summary.filtered, summary.rejected], [6, 2, 1, 3]);
  assert.equal(counts(summary), [
    ['shop.by_id', 2, 1, 3],
    ['shop.jp', 2, 3, 1],
    ['out/all_*', 4, 1, 1],
  ]);
  assert.equal(await project.query('SELECT id, country FROM shop.by_id ORDER BY 1'), [
    { id: 1, country: 'jp' },
    { id: 2, country: 'us' },
  ]);
  assert.equal(await project.query('SELECT id FROM shop.jp ORDER BY 1'), [{ id: 1 }, { id: null }]);
  const [file = ''] = readdirSync(join(project.folder, 'out')).filter((name) => name.endsWith('.csv'));
  assert.is(readFileSync(join(project.folder, 'out', file), 'utf8'), 'id,country\n1,jp\n2,us\n,jp\n,us\n');
  const rejects = await project.query('SELECT record_number n, reason, raw FROM sluice_rejects.load ORDER BY 1');
  assert.equal(
    rejects.map(({ n, raw }) => [Number(n), raw]),
    [
      [3, ',jp'],
      [5, 'x,jp'],
      [6, ',us'],
    ],
  );
  assert.is(rejects[0]?.['reason'], 'shop.by_id: NULL in a key column');
});

test('rows that one target refuses count for max_rejects, and nothing commits over it', async ({ project }) => {
  write(project, [BY_ID, JP], 'exec: {max_rejects: 2}');
  const { code, stderr } = await project.sluice(['run', 'load.yml']);
  assert.is(code, 3, stderr);
  assert.match(stderr, 'shop.by_id: NULL in a key column');
  assert.is((await project.sluice(['query', 'SELECT * FROM shop.jp'])).code, 2);
});

test('the report counts each target’s rows; rows of one target’s refusals are not replayed into the others', async ({ project }) => {
  write(project, [BY_ID, JP]);
  const { code, stderr } = await project.sluice(['run', 'load.yml']);
  assert.is(code, 0, stderr);
  assert.match(stderr, 'shop.jp: 2 written, 3 filtered, 1 rejected');
  const replay = await project.sluice(['rejects', 'latest', '--replay']);
  assert.is(replay.code, 2, replay.stderr);
  assert.match(replay.stderr, 'REPLAY_ONE_TARGET');
  assert.match(replay.stderr, 'shop.by_id refused rows that other targets of the list may hold');
  assert.equal(await project.query('SELECT count(*) n FROM shop.jp'), [{ n: 2 }]);
});

test('dropped rows are filtered everywhere, unrouted ones rejected once', async ({ project }) => {
  const us = '{type: warehouse, table: shop.us, where: "country = \'us\' and id is not null"}';
  write(project, [JP, us], 'unmatched: drop\nexec: {max_rejects: 1}');
  const dropped = await project.run('load.yml');
  assert.equal([dropped.read, dropped.written, dropped.filtered, dropped.rejected], [6, 3, 2, 1]);
  assert.equal(counts(dropped), [
    ['shop.jp', 2, 3, 1],
    ['shop.us', 1, 4, 1],
  ]);
  write(project, [JP.replace('shop.jp', 'shop.jp2'), us.replace('shop.us', 'shop.us2')]);
  const rejected = await project.run('load.yml');
  assert.equal([rejected.read, rejected.written, rejected.filtered, rejected.rejected], [6, 3, 1, 2]);
  assert.equal(counts(rejected), [
    ['shop.jp2', 2, 3, 1],
    ['shop.us2', 1, 4, 1],
  ]);
});

test('a whole-run filter before a list does not unsettle the counts', async ({ project }) => {
  write(project, [BY_ID, JP]);
  const file = join(project.folder, 'load.yml');
  project.write(
    'load.yml',
    readFileSync(file, 'utf8').replace('filters:\n', 'filters:\n  - {type: sql, query: "SELECT * FROM input UNION ALL SELECT 9, \'jp\'"}\n'),
  );
  const summary = await project.run('load.yml');
  assert.equal([summary.read, summary.added, summary.written, summary.filtered, summary.rejected], [6, 1, 3, 1, 3]);
  assert.equal(counts(summary), [
    ['shop.by_id', 3, 1, 3],
    ['shop.jp', 3, 3, 1],
  ]);
});

test.run();
