import { ConflictError } from '../core/spi/index.js';
import type { Lease } from '../core/spi/index.js';
import { numberOf, textOf } from './connection.js';
import type { Dialect, OpenTransaction, SqlRow } from './connection.js';
import { describeKey, KEY_MATCH, keyOf, keyParams } from './key.js';

/** Checks the fence inside a transaction and keeps the lease from being taken over until it ends. */
export async function requireLease(tx: OpenTransaction, dialect: Dialect, lease: Lease): Promise<void> {
  const row = await tx.get(`SELECT fence, holder, expires_at FROM sluice_leases WHERE ${KEY_MATCH}${dialect.pinRow}`, keyParams(lease.key));
  if (row === undefined || numberOf(row, 'fence') !== lease.fence) throw leaseLost(lease, row === undefined ? undefined : textOf(row, 'holder'));
  // A lease that ran out, but was not taken over, still keeps everybody else out; a released one does not.
  if (numberOf(row, 'expires_at') === 0) throw leaseLost(lease, 'nobody: it was released');
}

export function leaseLost(lease: Lease, nowHeldBy: string | undefined): ConflictError {
  return new ConflictError({
    code: 'LEASE_LOST',
    message: `${describeKey(lease.key)}: expected its lease to be held by ${lease.holder}, found ${nowHeldBy === undefined ? 'that it could not be renewed in time' : `it taken over by ${nowHeldBy}`}`,
    hint: 'nothing of this attempt was committed; run the pipeline again once the other run has ended',
  });
}

export function leaseHeld(row: SqlRow): ConflictError {
  const since = new Date(numberOf(row, 'acquired_at')).toISOString();
  return new ConflictError({
    code: 'LEASE_HELD',
    message: `${describeKey(keyOf(row))}: expected no other run of it, found one by ${textOf(row, 'holder')} since ${since}`,
    hint: 'wait until that run has ended, or end its process; a holder that died is replaced within 30 seconds',
  });
}

/** Fails when a run of one of these pipelines is going on. */
export async function refuseHeld(tx: OpenTransaction, dialect: Dialect, project: string, pipelines: readonly [string, string]): Promise<void> {
  const row = await tx.get(
    `SELECT * FROM sluice_leases WHERE project = $1 AND pipeline IN ($2, $3) AND expires_at > ${dialect.now} LIMIT 1${dialect.lockRow}`,
    [project, ...pipelines],
  );
  if (row !== undefined) throw leaseHeld(row);
}
