import type { ApiKeyRecord, JobStore } from '../../core/spi/index.js';
import { readKey, sameHash, whyUseless } from './api-key.js';

/** Compared with when there is no such key, so that an unknown id takes as long as a wrong secret. */
const NO_HASH = '0'.repeat(64);
const REMEMBERED = 1000;

export type KeyAnswer = { readonly key: ApiKeyRecord } | { readonly refused: 'missing' | 'wrong' | 'revoked' | 'expired' };

export interface KeyCheck {
  /** Judges the Authorization header. Every check asks the metastore: a revoked key is refused at once. */
  check(authorization: string | undefined): Promise<KeyAnswer>;
  /** Whether the header holds a key that opened before, without asking the metastore. */
  isKnown(authorization: string | undefined): boolean;
}

export function createKeyCheck(store: Pick<JobStore, 'getKey'>, now: () => number): KeyCheck {
  const opened = new Map<string, string>();
  const presented = (authorization: string | undefined): ReturnType<typeof readKey> => {
    const [, text] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    return text === undefined ? undefined : readKey(text);
  };
  return {
    isKnown(authorization) {
      const key = presented(authorization);
      return key !== undefined && sameHash(key.hash, opened.get(key.id) ?? NO_HASH);
    },
    async check(authorization) {
      if (authorization === undefined) return { refused: 'missing' };
      const key = presented(authorization);
      if (!key) return { refused: 'wrong' };
      const stored = await store.getKey(key.id);
      if (!sameHash(key.hash, stored?.hash ?? NO_HASH) || !stored) return { refused: 'wrong' };
      const useless = whyUseless(stored, now());
      if (useless !== undefined) {
        opened.delete(stored.id);
        return { refused: useless };
      }
      opened.set(stored.id, stored.hash);
      const [oldest] = opened.keys();
      if (opened.size > REMEMBERED && oldest !== undefined) opened.delete(oldest);
      return { key: stored };
    },
  };
}
