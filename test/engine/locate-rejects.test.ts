import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/core/duckdb/index.js';
import { locateRejects, RowsOutOfOrder } from '../../src/core/engine/locate-rejects.js';
import type { Reading, RejectRecord, RowPlace, SqlConnection, SqlValue, TaskContext } from '../../src/core/spi/index.js';

const relation: Reading['relation'] = {
  from: `(SELECT CASE WHEN i % 7 = 0 THEN 'x' || i ELSE i::VARCHAR END AS id, CASE WHEN i % 700 = 1 THEN 'y' ELSE '1' END AS size FROM range(1, 50001) t(i))`,
  columns: ['id', 'size'].map((name) => ({ name, type: 'long', text: {} })),
};
const placeOf = (ordinal: number): RowPlace => ({ source: 'rows', recordNumber: ordinal, byteOffset: null, raw: null });

/** `step`: answers while rows are still looked for, in batches of its own. */
function reading(step: boolean, asked: number[] = []): Reading {
  return {
    relation,
    check: () => Promise.reject(new Error('not asked')),
    async *places(ordinals) {
      asked.push(ordinals.length);
      yield Array.from(ordinals, placeOf);
    },
    ...(step
      ? {
          async *placesOf(batches) {
            let held: RowPlace[] = [];
            for await (const ordinals of batches) {
              asked.push(ordinals.length);
              held.push(...Array.from(ordinals, placeOf));
              while (held.length > 300) yield held.splice(0, 300);
            }
            yield held;
            held = [];
          },
        }
      : {}),
    close: () => Promise.resolve(),
  };
}

const work = { source: 'rows', filters: [], firstFilter: 0, keepRaw: false };

async function locate(from: Reading, sorted: boolean, connect: () => Promise<SqlConnection>): Promise<RejectRecord[]> {
  const found: RejectRecord[] = [];
  const sql = await connect();
  const ctx = { sql, connect } as unknown as TaskContext;
  try {
    for await (const batch of locateRejects(from, relation, work, { from: relation.from, sorted }, ctx)) found.push(...batch);
  } finally {
    sql.close();
  }
  return found;
}

test('rejects are placed beside the scan as they are after it', async () => {
  const database = await openDatabase({ threads: 2 });
  const connect = (): Promise<SqlConnection> => database.connect();
  const asked: number[] = [];
  const inStep = await locate(reading(true, asked), false, connect);
  assert.ok(asked.length > 5, 'in several batches');
  assert.equal(inStep, await locate(reading(false), true, connect));
  assert.equal(inStep, await locate(reading(true), true, connect));
  assert.is(inStep.length, 7142 + 72);
  assert.equal(
    inStep.slice(0, 3).map((r) => [r.recordNumber, r.columnName]),
    [
      [1, 'size'],
      [7, 'id'],
      [14, 'id'],
    ],
  );
  database.close();
});

test('rows that come out of order are told, places that are missing are a bug', async () => {
  const chunksOf = (chunks: readonly SqlValue[][][]): Promise<SqlConnection> =>
    Promise.resolve({
      async *chunks() {
        yield* chunks;
      },
      close: () => undefined,
    } as unknown as SqlConnection);
  const disordered = [
    [
      [1n, 5n],
      [1, 1],
    ],
    [[3n], [1]],
  ];
  let error: unknown;
  await locate(reading(true), false, () => chunksOf(disordered)).catch((e: unknown) => (error = e));
  assert.instance(error, RowsOutOfOrder);
  const lossy: Reading = { ...reading(false), async *places() {} };
  await locate(lossy, true, () => chunksOf([[[1n], [1]]])).catch((e: unknown) => (error = e));
  assert.match(String(error), '1 rejected rows but 0 places');
});

test.run();
