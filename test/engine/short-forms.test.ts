import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('short forms of a config');
test.before.each((bench) => {
  bench.project = new TestProject();
});
test.after.each(({ project }) => project.remove());

test('where of a single output is a filter: what it leaves out counts as filtered', async ({ project }) => {
  const pipeline = (out: string): string =>
    `in: {type: config, columns: [{name: id, type: long}, {name: country, type: string}], rows: [[1, jp], [2, us], [3, null]]}\nout: ${out}\n`;
  project.write('load.yml', pipeline('{type: warehouse, table: shop.jp, where: "country = \'jp\'"}'));
  const summary = await project.run('load.yml');
  assert.equal([summary.read, summary.written, summary.filtered, summary.rejected], [3, 1, 2, 0]);
  project.write('load.yml', pipeline('{type: warehouse, table: shop.jp, where: "land = \'jp\'"}'));
  const wrong = await project.sluice(['run', 'load.yml']);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, 'load.yml:2:47 out.where');
  project.write('load.yml', pipeline('{type: warehouse, table: shop.jp, where: 1}'));
  assert.match((await project.sluice(['run', 'load.yml'])).stderr, 'out.where: expected a SQL condition as text');
});

test('a parser may be named alone; export says how a result URL replaces a file', async ({ project }) => {
  const to = ['export', 'SELECT 7 AS id', '--to', 'file:data/a.parquet'];
  assert.is((await project.sluice(to)).code, 0);
  const again = await project.sluice(to);
  assert.is(again.code, 2);
  assert.match(again.stderr, 'OBJECT_EXISTS');
  assert.match(again.stderr, 'hint: add overwrite=true to the result URL to replace it');
  assert.not.match(again.stderr, 'out.overwrite');
  project.write('load.yml', 'in: {type: file, path_prefix: data/, parser: parquet}\nout: {type: warehouse, table: shop.a}\n');
  assert.is((await project.run('load.yml')).written, 1);
  assert.equal(await project.query('SELECT id FROM shop.a'), [{ id: 7 }]);
  project.write('load.yml', 'in: {type: file, path_prefix: data/, parser: parket}\nout: {type: warehouse, table: shop.a}\n');
  assert.match((await project.sluice(['run', 'load.yml'])).stderr, 'did you mean "parquet"');
  project.write('csv/1.csv', 'id,name\n1,a\n');
  project.write('seed.yml', 'in: {type: file, path_prefix: csv/, parser: csv}\nout: {type: warehouse, table: shop.b}\n');
  const guessed = await project.sluice(['guess', 'seed.yml']);
  assert.is(guessed.code, 0, guessed.stderr);
  assert.match(guessed.stdout, /type: csv/);
  assert.match(guessed.stdout, 'name: id');
});

test.run();
