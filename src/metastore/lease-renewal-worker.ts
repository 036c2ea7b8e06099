import { parentPort, workerData } from 'node:worker_threads';

import type { Lease } from '../core/spi/index.js';
import { textOf } from './connection.js';
import type { Connection } from './connection.js';
import { KEY_MATCH, keyParams } from './key.js';
import { monotonicMillis } from './lease-renewal.js';
import type { RenewalLoss, RenewalRequest, RenewalSettings } from './lease-renewal.js';
import { openConnection } from './open-connection.js';

interface Held {
  readonly lease: Lease;
  validUntil: number;
  lastError?: string;
}

/** Serves one metastore's renewals until it is told to close. */
function serveRenewals(port: NonNullable<typeof parentPort>, settings: RenewalSettings): void {
  const held = new Map<string, Held>();
  let connection: Connection | undefined;
  let renewing: Promise<void> | undefined;
  let closing = false;

  const lose = (loss: RenewalLoss): void => {
    if (held.delete(loss.id)) port.postMessage(loss);
  };

  const renewOne = async (id: string, entry: Held): Promise<void> => {
    // One that goes unanswered must leave time for another.
    connection ??= await openConnection({ ...settings.options, answerSeconds: settings.duration / 3000 });
    const sentAt = monotonicMillis();
    const { now } = connection.dialect;
    const taken = await connection.transaction(async (tx) => {
      const params = [...keyParams(entry.lease.key), entry.lease.fence, settings.duration];
      const changed = await tx.run(
        `UPDATE sluice_leases SET renewed_at = ${now}, expires_at = ${now} + $6 WHERE ${KEY_MATCH} AND fence = $5 AND expires_at > 0`,
        params,
      );
      if (changed === 1) return undefined;
      const row = await tx.get(`SELECT holder FROM sluice_leases WHERE ${KEY_MATCH}`, keyParams(entry.lease.key));
      return row === undefined ? 'nobody: its row was deleted' : textOf(row, 'holder');
    });
    if (taken === undefined) entry.validUntil = sentAt + settings.duration;
    else lose({ id, takenBy: taken });
  };

  const renewAll = async (): Promise<void> => {
    for (const [id, entry] of [...held]) {
      try {
        if (!closing) await renewOne(id, entry);
      } catch (error) {
        // Tried again at the next turn; the expiry below ends it.
        entry.lastError = error instanceof Error ? error.message : String(error);
      }
    }
  };

  const renew = setInterval(() => {
    renewing ??= renewAll().finally(() => (renewing = undefined));
  }, settings.every);
  const expire = setInterval(() => {
    for (const [id, entry] of [...held]) {
      if (monotonicMillis() > entry.validUntil) lose({ id, ...(entry.lastError === undefined ? {} : { cause: entry.lastError }) });
    }
  }, settings.every / 4);

  const close = async (): Promise<void> => {
    closing = true;
    clearInterval(renew);
    clearInterval(expire);
    port.close();
    await renewing;
    await connection?.close();
  };

  port.on('message', (request: RenewalRequest) => {
    if (request.type === 'start') held.set(request.id, { lease: request.lease, validUntil: request.validUntil });
    else if (request.type === 'stop') held.delete(request.id);
    else void close();
  });
}

if (parentPort !== null) serveRenewals(parentPort, workerData as RenewalSettings);
