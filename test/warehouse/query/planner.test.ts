import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { IcebergSchema } from '../../../src/warehouse/table/model.js';
import { openPlanner } from '../../../src/warehouse/query/planner.js';

const schema: IcebergSchema = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type: 'long' }] };

test('stubs are bounded, and one that an open statement uses stays', async () => {
  const planner = await openPlanner(undefined, 2);
  try {
    const long = await planner.open();
    const kept = await planner.stub('kept', schema);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      const session = await planner.open();
      made.push(...(await planner.stub(`t${i}`, schema)).files);
      await session.close();
    }
    assert.ok([...kept.files, ...made].every(existsSync), 'the open statement may use any of them');
    assert.is(await planner.stub('kept', schema).then(({ number }) => number), kept.number);
    await long.close();
    assert.equal(
      made.map((file) => existsSync(file)),
      [false, false, false, false, false, false, false, false, true, true],
    );
    assert.ok(kept.files.every(existsSync));
    const again = await planner.open();
    const [file = ''] = (await planner.stub('t0', schema)).files;
    assert.ok(existsSync(file) && !made.includes(file));
    await again.close();
  } finally {
    await planner.close();
  }
});

test.run();
