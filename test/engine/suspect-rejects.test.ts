import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase, type Database } from '../../src/core/duckdb/index.js';
import { relateRejects, type SuspectWork } from '../../src/core/engine/suspect-rejects.js';
import type { Reading, SourceColumn, TaskContext } from '../../src/core/spi/index.js';

let database: Database;
test.before(async () => void (database = await openDatabase()));
test.after(() => database.close());

const columns: SourceColumn[] = [
  { name: 'name', type: 'string', text: {} },
  { name: 'id', type: 'long', text: {} },
  { name: 'size', type: 'double', text: {} },
];
const work: SuspectWork = { constants: [], runId: 'run-1', startedAt: 0, keepRaw: true };

/** Suspects are rows 2 (which is good after all), 5 and 9; asked for columns are noted. */
function reading(asked: string[][] = []): Reading {
  return {
    relation: { from: '(SELECT 1)', columns },
    check: () => Promise.reject(new Error('not asked')),
    suspects: (failing) => {
      asked.push(failing.map((column) => column.name));
      return Promise.resolve({
        from: `(SELECT * FROM (VALUES ('7', '1.0', 'f.csv', '2', '10', 'b,7,1'), ('x', '1', 'f.csv', '5', '20', 'a,x,1'), ('9', 'y', 'f.csv', '9', '', 'c,9,y'))
          v(id, size, __source, __record, __offset, __raw))`,
      });
    },
    close: () => Promise.resolve(),
  };
}

async function relate(
  from: Reading,
  statuses: readonly (readonly [number, number])[],
  more: Partial<SuspectWork> = {},
): Promise<object[] | undefined> {
  const sql = await database.connect();
  const ctx = { sql, task: 0, reach: () => undefined, log: { log: () => undefined } } as unknown as TaskContext;
  try {
    const related = await relateRejects(from, { ...work, ...more }, new Map(statuses), ctx);
    if (!related) return undefined;
    assert.is(related.rows, statuses.length);
    assert.equal(JSON.parse(JSON.stringify(related.first)), related.first, 'what goes into reports is plain JSON');
    return [...related.first];
  } finally {
    sql.close();
  }
}

const rowFive = {
  run_id: 'run-1',
  source: 'f.csv',
  record_number: 5,
  byte_offset: 20,
  column_name: 'id',
  reason: 'not a long (a whole number of at most 64 bits)',
  raw: 'a,x,1',
  rejected_at: '1970-01-01T00:00:00.000Z',
};

test('suspected rows that do not convert are the rejects, with their places', async () => {
  const asked: string[][] = [];
  const found = await relate(reading(asked), [
    [2, 1],
    [1, 1],
  ]);
  const reason = 'not a double (a finite decimal number, NaN or Infinity)';
  assert.equal(found, [rowFive, { ...rowFive, record_number: 9, byte_offset: null, column_name: 'size', reason, raw: 'c,9,y' }]);
  assert.equal(asked, [['id', 'size']]);
});

test('texts stay away where a filter hides values', async () => {
  const found = await relate(
    reading(),
    [
      [1, 1],
      [2, 1],
    ],
    { keepRaw: false },
  );
  assert.equal(
    found?.map((row) => (row as { raw: unknown }).raw),
    [null, null],
  );
});

test('other numbers of rows than the scan told: all rows are looked at again', async () => {
  assert.is(
    await relate(reading(), [
      [1, 2],
      [2, 1],
    ]),
    undefined,
  );
});

test('what a filter or a folder name rejected is looked for among all rows', async () => {
  const asked: string[][] = [];
  assert.is(
    await relate(reading(asked), [
      [1, 1],
      [3, 1],
    ]),
    undefined,
  );
  const constants = [{ column: { name: 'day', type: 'long', text: {} } as SourceColumn, value: 'x' }];
  assert.is(await relate(reading(asked), [[3, 1]], { constants }), undefined);
  assert.equal(asked, []);
});

test.run();
