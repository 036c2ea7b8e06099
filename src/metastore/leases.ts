import { hostname } from 'node:os';

import { BugError } from '../core/spi/index.js';
import type { Lease, RunStore } from '../core/spi/index.js';
import { numberOf, textOf } from './connection.js';
import type { Connection } from './connection.js';
import { KEY_COLUMNS, KEY_MATCH, keyParams } from './key.js';
import { leaseHeld } from './lease-check.js';
import { monotonicMillis } from './lease-renewal.js';
import type { LeaseRenewal } from './lease-renewal.js';
import { identifyProcess, mayBeAlive } from './process-identity.js';

type LeaseCalls = Pick<RunStore, 'acquireLease' | 'releaseLease' | 'leaseLost'>;

/** Leases on the database's clock. `duration` in milliseconds; `renewal` keeps them alive from its own thread. */
export function createLeases(connection: Connection, renewal: LeaseRenewal, duration: number): LeaseCalls {
  const { dialect } = connection;
  const lost = new Map<string, AbortSignal>();
  return {
    acquireLease: async (key, holder) => {
      const self = identifyProcess();
      const name = `${holder} (process ${self.pid} on ${hostname()})`;
      let validUntil = 0;
      const lease = await connection.transaction(async (tx): Promise<Lease> => {
        // Fences grow over all targets of a pipeline, one after another: a target that comes into its list of outputs, or leaves it,
        // knows those from before, and no two holders have the same one.
        await dialect.lockName(tx, `fences ${key.project} ${key.pipeline} ${key.stream}`);
        // A row to lock: without one, two processes that come at once would not see each other.
        await tx.run(
          `INSERT INTO sluice_leases (${KEY_COLUMNS}, holder, machine, pid, process_started, fence, acquired_at, renewed_at, expires_at)
           VALUES ($1, $2, $3, $4, '', '', 0, '', 0, 0, 0, 0) ON CONFLICT DO NOTHING`,
          keyParams(key),
        );
        const row = await tx.get(`SELECT * FROM sluice_leases WHERE ${KEY_MATCH}${dialect.lockRow}`, keyParams(key));
        if (row === undefined)
          throw new BugError({ code: 'METASTORE_ROW', message: 'metastore: sluice_leases: expected the row just inserted, found none' });
        const highest = 'SELECT max(fence) FROM sluice_leases WHERE project = $1 AND pipeline = $2 AND stream = $3';
        const known = await tx.get(`SELECT ${dialect.now} AS now, (${highest}) AS fence`, [key.project, key.pipeline, key.stream]);
        const now = numberOf(known, 'now');
        const other = { machine: textOf(row, 'machine'), pid: numberOf(row, 'pid'), started: textOf(row, 'process_started') };
        if (numberOf(row, 'expires_at') > now && mayBeAlive(other, self)) throw leaseHeld(row);
        const fence = numberOf(known, 'fence') + 1;
        validUntil = monotonicMillis() + duration;
        await tx.run(
          `UPDATE sluice_leases SET holder = $5, machine = $6, pid = $7, process_started = $8, fence = $9, acquired_at = $10, renewed_at = $10, expires_at = $11
           WHERE ${KEY_MATCH}`,
          [...keyParams(key), name, self.machine, self.pid, self.started, fence, now, now + duration],
        );
        return { key, holder: name, fence };
      });
      lost.set(idOf(lease), renewal.start(idOf(lease), lease, validUntil));
      return lease;
    },

    releaseLease: async (lease) => {
      renewal.stop(idOf(lease));
      lost.delete(idOf(lease));
      // The row stays: its fence must go on growing. A renewal that is on its way leaves a released lease alone.
      await connection.transaction((tx) =>
        tx.run(`UPDATE sluice_leases SET expires_at = 0 WHERE ${KEY_MATCH} AND fence = $5`, [...keyParams(lease.key), lease.fence]),
      );
    },

    leaseLost: (lease) => {
      const signal = lost.get(idOf(lease));
      if (signal === undefined)
        throw new BugError({ code: 'LEASE_UNKNOWN', message: `lease of ${lease.key.pipeline}: expected one that this process holds, found none` });
      return signal;
    },
  };
}

function idOf(lease: Lease): string {
  return JSON.stringify([...keyParams(lease.key), lease.fence]);
}
