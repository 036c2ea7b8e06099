import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';

const test = suite<{ project: TestProject }>('long partition values');
test.before.each((context) => {
  context.project = new TestProject();
  context.project.write('sluice.yml', '');
});
test.after.each(({ project }) => project.remove());

/** Longer than a file system's names, alike at the start, and one that is short until it is encoded. */
const LONG = ['a'.repeat(300), `${'a'.repeat(300)}/b`, 'ü/'.repeat(80), '%'.repeat(71), 'ß'.repeat(35), `sha256:${'0'.repeat(64)}`, 'short', ''];

for (const [transform, cut] of [
  ['url', 10_000],
  ['truncate(150, url)', 150],
] as const)
  test(`${transform}: the whole value lies in the metadata, and finds its files`, async ({ project }) => {
    const rows = LONG.map((url, id) => JSON.stringify({ id, url }));
    project.write('data.jsonl', [...rows, '{"id":99}'].join('\n'));
    project.write(
      'p.yml',
      `in: {type: file, paths: [data.jsonl], parser: {type: json, columns: [{name: id, type: long}, {name: url, type: string}]}}\nout: {type: warehouse, table: web.hits, partition_by: ["${transform}"]}`,
    );
    await project.run('p.yml');
    const parts = await project.query<{ p: Record<string, string | null> }>('SELECT "partition" AS p FROM web."hits$partitions"');
    const known = parts.map(({ p }) => (typeof p === 'string' ? (JSON.parse(p) as typeof p) : p)).map((p) => Object.values(p)[0] ?? null);
    const wanted = [...new Set([...LONG.map((text) => [...text].slice(0, cut).join('')), null])];
    assert.equal([...known].sort(), [...wanted].sort());
    for (const [id, url] of LONG.entries()) {
      const found = await project.query<{ id: number }>(`SELECT id FROM web.hits WHERE url = '${url}'`);
      assert.equal(found, [{ id }], url);
    }
    const names = readdirSync(project.folder, { recursive: true, encoding: 'utf8' }).flatMap((path) => path.split('/'));
    assert.ok(names.every((name) => Buffer.byteLength(name) < 200));
    assert.is((await project.sluice(['query', `DELETE FROM web.hits WHERE url = '${LONG[1] ?? ''}'`])).code, 0);
    assert.is((await project.query('SELECT id FROM web.hits')).length, LONG.length);
  });

test.run();
