import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot, TableMetadata } from '../../src/warehouse/table/model.js';
import { newTableMetadata, withoutSnapshots, withSnapshot } from '../../src/warehouse/table/table-changes.js';
import { planRestore } from '../../src/warehouse/write/restore.js';

const test = suite('plan of a restore');
const NAME = { namespace: 'shop', name: 'orders' };

function table(...runs: readonly (string | undefined)[]): TableMetadata {
  const empty = newTableMetadata({ uuid: 'u', location: 'file:///t', fields: [], partition: [], properties: {}, now: 0 });
  return runs.reduce<TableMetadata>((now, run, i) => withSnapshot(now, snapshot(i, run)), empty);
}

function snapshot(i: number, run: string | undefined): Snapshot {
  return {
    'snapshot-id': BigInt(i + 1),
    ...(i === 0 ? {} : { 'parent-snapshot-id': BigInt(i) }),
    'sequence-number': i + 1,
    'timestamp-ms': Date.UTC(2026, 0, i + 1),
    'manifest-list': `file:///t/${i}.avro`,
    summary: { operation: run === undefined ? 'replace' : 'append', ...(run === undefined ? {} : { 'sluice.run-id': run }) },
  };
}

function codeOf(work: () => unknown): { code: string; message: string; hint: string } {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('expected an error');
}

test('the way back leads to the parent; compaction after the run is no later commit', () => {
  const plan = planRestore(NAME, table('a', 'b', undefined), 'b');
  assert.is(plan?.to?.['snapshot-id'], 1n);
  assert.equal([plan?.undone.map((s) => s['snapshot-id']), plan?.later], [[3n, 2n], []]);
  assert.is(plan?.reachesBackTo, Date.UTC(2026, 0, 1));
});

test('rows written later are later commits', () => {
  const plan = planRestore(NAME, table('a', 'b', undefined, 'c'), 'b');
  assert.equal(
    plan?.later.map((s) => s['snapshot-id']),
    [4n],
  );
});

test('the first run leads back to no snapshot; a foreign run to nothing', () => {
  const plan = planRestore(NAME, table('a', 'b'), 'a');
  assert.is(plan?.to, undefined);
  assert.is(plan?.undone.length, 2);
  assert.is(planRestore(NAME, table('a'), 'x'), undefined);
});

test('an expired parent is an error that says how far back snapshots reach', () => {
  const expired = withoutSnapshots(table('a', 'b', 'c'), new Set([1n]));
  const error = codeOf(() => planRestore(NAME, expired, 'b'));
  assert.is(error.code, 'UNDO_TOO_OLD');
  assert.is(error.message, 'shop.orders: the snapshot before run b has expired');
  assert.match(error.hint, 'snapshots reach back to 2026-01-02T00:00:00.000Z');
  assert.is(planRestore(NAME, expired, 'c')?.to?.['snapshot-id'], 2n);
});

test('a run that is not current history was undone before', () => {
  const whole = table('a', 'b');
  const undone = { ...whole, 'current-snapshot-id': 1n };
  const error = codeOf(() => planRestore(NAME, undone, 'b'));
  assert.equal([error.code, error.message], ['UNDO_DONE', 'shop.orders: run b was undone before']);
});

test.run();
