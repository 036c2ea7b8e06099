import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('plans that the table has outgrown');
test.before.each((context) => {
  context.project = new TestProject();
});
test.after.each(({ project }) => project.remove());

const pipeline = (name: string, out: string): string =>
  `in: {type: file, path_prefix: ./${name}_, parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: name, type: string}]}}
out: {type: warehouse, table: shop.t, ${out}}
`;

test('a run whose table was partitioned anew before its commit is refused once; the next one plans anew and loads all of it', async ({ project }) => {
  project.write('a.yml', pipeline('a', 'mode: append'));
  project.write('b.yml', pipeline('b', 'mode: replace, partition_by: [name]'));
  project.write('a_1.csv', 'id,name\n1,x\n');
  await project.run('a.yml');
  project.write('a_2.csv', 'id,name\n2,x\n');
  const cut = await project.sluice(['run', 'a.yml'], {
    reach: (point) => {
      if (point === 'commit.manifest_written') throw new Error('cut off');
    },
  });
  assert.is(cut.code, 70, cut.stderr);
  project.write('b_1.csv', 'id,name\n7,y\n');
  await project.run('b.yml');
  const refused = await project.sluice(['run', 'a.yml']);
  assert.is(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /error TABLE_CHANGED: shop\.t: the table changed between plan and commit: its partitioning was changed/);
  assert.match(refused.stderr, 'hint: run it again; the new plan takes the change in');
  const again = await project.sluice(['run', 'a.yml']);
  assert.is(again.code, 0, again.stderr);
  assert.match(again.stderr, /is not continued \(its table has changed since it was planned\); 1 of 1 finished tasks are discarded/);
  assert.equal(await project.query('SELECT id FROM shop.t ORDER BY id'), [{ id: 2 }, { id: 7 }]);
  assert.is((await project.run('a.yml')).status, 'up-to-date');
});

test.run();
