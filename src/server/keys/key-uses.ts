import type { JobStore } from '../../core/spi/index.js';

/** Counts uses of keys in memory and adds them up in the metastore now and then, so that a request costs no write. */
export interface KeyUses {
  count(id: string, at: number): void;
  /** Writes what was counted; what could not be written is counted again. */
  flush(): Promise<void>;
}

export function createKeyUses(store: Pick<JobStore, 'recordKeyUse'>): KeyUses {
  let pending = new Map<string, { uses: number; lastUsedAt: number }>();
  const add = (id: string, uses: number, at: number): void => {
    const known = pending.get(id);
    pending.set(id, { uses: (known?.uses ?? 0) + uses, lastUsedAt: Math.max(known?.lastUsedAt ?? 0, at) });
  };
  return {
    count: (id, at) => add(id, 1, at),
    async flush() {
      if (pending.size === 0) return;
      const batch = pending;
      pending = new Map();
      try {
        await store.recordKeyUse([...batch].map(([id, { uses, lastUsedAt }]) => ({ id, uses, lastUsedAt })));
      } catch (error) {
        for (const [id, { uses, lastUsedAt }] of batch) add(id, uses, lastUsedAt);
        throw error;
      }
    },
  };
}
