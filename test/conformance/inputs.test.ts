import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../src/conformance/index.js';
import config from '../../src/plugins/input-config/index.js';
import file from '../../src/plugins/input-file/index.js';

const columns = [
  { name: 'n', type: 'long' },
  { name: 't', type: 'timestamp', timezone: 'America/New_York' },
  { name: 's', type: 'string' },
];

test('input config keeps its contract', async () => {
  const names = await checkInput(config, [
    {
      title: 'rows',
      config: {
        columns,
        rows: [
          ['9007199254740993', '2024-07-01 00:00:00', '日本'],
          [null, null, null],
        ],
      },
      rows: [
        ['9007199254740993', '2024-07-01 04:00:00+00', '日本'],
        [null, null, null],
      ],
    },
    {
      title: 'tasks',
      config: { columns, values: [[[1, null, 'a']], [], [[2, null, 'b']]] },
      rows: [
        ['1', null, 'a'],
        ['2', null, 'b'],
      ],
    },
    { title: 'no rows', config: { columns, rows: [] }, rows: [] },
    { title: 'a row too short', config: { columns, rows: [[1]] }, error: 'ROW_WIDTH' },
  ]);
  assert.ok(names.includes('rows: the plan is JSON and the same each time'));
});

test('input file keeps its contract', async () => {
  const prepare = async (root: string): Promise<void> => {
    await mkdir(join(root, 'data/country=jp'), { recursive: true });
    await writeFile(join(root, 'data/b.csv'), 'bb');
    await writeFile(join(root, 'data/a ü.csv'), 'a');
    await writeFile(join(root, 'data/country=jp/c.csv'), 'ccc');
    await writeFile(join(root, 'data/.hidden.csv'), '');
  };
  await checkInput(file, [
    { title: 'prefix', config: { path_prefix: 'data/a' }, prepare, files: ['data/a ü.csv'] },
    { title: 'globs', config: { paths: ['data/**/*.csv'] }, prepare, files: ['data/a ü.csv', 'data/b.csv', 'data/country=jp/c.csv'] },
  ]);
});

test.run();
