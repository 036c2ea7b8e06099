import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { InputPlanContext, TaskContext } from '../../../src/core/spi/index.js';
import input, { type ConfigInputConfig } from '../../../src/plugins/input-config/index.js';

const ctx = { place: { at: (path: string) => ({ path }) }, state: undefined, useState: true } as unknown as InputPlanContext;
const columns = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp', format: '%Y' },
  { name: 'j', type: 'json' },
];

async function rowsOf(config: ConfigInputConfig): Promise<unknown[][]> {
  const plan = await input.plan(config, ctx);
  const tasks: unknown[][] = [];
  for (const task of plan.tasks) {
    const source = await input.open(task, plan, config, ctx as unknown as TaskContext);
    assert.is(source.form, 'rows');
    const rows: unknown[] = [];
    if (source.form === 'rows') for await (const batch of source.batches()) rows.push(...batch);
    tasks.push(rows);
  }
  return tasks;
}

test('values are handed over as text, one task for rows, one a task for values', async () => {
  assert.equal(
    await rowsOf({
      type: 'config',
      columns,
      rows: [
        [1, '2024', { a: [1] }],
        [null, null, 'x'],
      ],
    }),
    [
      [
        ['1', '2024', '{"a":[1]}'],
        [null, null, 'x'],
      ],
    ],
  );
  assert.equal(await rowsOf({ type: 'config', columns, values: [[[1, '2024', true]], []] }), [[['1', '2024', 'true']], []]);
  const plan = await input.plan({ type: 'config', columns, default_timezone: 'Asia/Tokyo' }, ctx);
  assert.equal(plan.columns, [
    { name: 'id', type: 'long', text: {} },
    { name: 'at', type: 'timestamp', text: { format: '%Y', timezone: 'Asia/Tokyo' } },
    { name: 'j', type: 'json', text: {} },
  ]);
});

test('a row of another width and an unknown type are errors at their place', async () => {
  for (const [config, code, path] of [
    [{ type: 'config', columns, rows: [[1, 2, 3], [1]] }, 'ROW_WIDTH', 'rows[1]'],
    [{ type: 'config', columns: [{ name: 'x', type: 'int' }], rows: [] }, 'UNKNOWN_COLUMN_TYPE', 'columns[0].type'],
  ] as const) {
    try {
      await (async () => input.plan(config as unknown as ConfigInputConfig, ctx))();
      assert.unreachable();
    } catch (error) {
      const e = error as { code: string; hint: string; where: { path: string } };
      assert.is(e.code, code);
      assert.is(e.where.path, path);
      assert.ok(e.hint);
    }
  }
});

test.run();
