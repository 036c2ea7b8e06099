import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { JsonObject, Lease, RunRecord, StateKey } from '../../src/core/spi/index.js';
import type { MetastoreOptions } from '../../src/metastore/types.js';

/** A fresh, empty database for one test file. */
export interface TestStore {
  readonly options: MetastoreOptions;
  stop(): Promise<void>;
}

export async function sqliteStore(): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-metastore-'));
  return { options: { url: `sqlite:${join(folder, 'db', 'meta.db')}` }, stop: () => rm(folder, { recursive: true, force: true }) };
}

export function keyFor(project: string, pipeline: string, stream = ''): StateKey {
  return { project, pipeline, stream, target: 'table-1' };
}

type NewRun = Omit<RunRecord, 'status' | 'finishedAt' | 'summary' | 'error' | 'commit'>;

export function newRun(key: StateKey, runId: string, plan: JsonObject = { tasks: [1, 2] }): NewRun {
  return { runId, key, targetName: 'shop.orders', startedAt: 1_700_000_000_000, configHash: 'hash', plan };
}

export function staleLease(lease: Lease): Lease {
  return { ...lease, fence: lease.fence - 1 };
}

/** Runs `call` and returns the error it must throw. */
export async function errorOf(call: () => Promise<unknown>): Promise<Error & { code: string; hint?: string; retryable: boolean }> {
  try {
    await call();
  } catch (error) {
    return error as Error & { code: string; hint?: string; retryable: boolean };
  }
  throw new Error('expected an error, found none');
}
