import type { ApiKeyRecord } from '../../core/spi/index.js';
import type { QueryAccess } from '../../warehouse/index.js';
import { hasScope, type KeyScope } from '../keys/api-key.js';
import { createKeyCheck } from '../keys/key-check.js';
import type { KeyUses } from '../keys/key-uses.js';
import type { HttpDependencies } from './dependencies.js';
import { isOwnHost } from './host-check.js';
import type { Metrics } from './metrics.js';
import { HttpError } from './problem.js';
import { createRateLimit } from './rate-limit.js';

/** What is known of a request before its body is read. */
export interface Caller {
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly remoteAddress: string;
  readonly localAddress: string | undefined;
}

export interface Need {
  readonly scope: KeyScope | null;
  readonly allDatabases: boolean;
}

export interface Guard {
  /** The key of a request that may go on. Errors: HttpError 401, 403, 421, 429. */
  admit(caller: Caller, need: Need | undefined): Promise<ApiKeyRecord>;
}

/** Stands for the caller of routes that need no key. */
export const NOBODY: ApiKeyRecord = {
  id: '',
  hash: '',
  description: '',
  scopes: [],
  databases: [],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  uses: 0,
};

/** Host, key, rate and scope, in this order: what costs least and tells least comes first. */
export function createGuard(services: HttpDependencies, uses: KeyUses, metrics: Metrics): Guard {
  const { config, clock } = services;
  const now = (): number => clock.now();
  const keys = createKeyCheck(services.store, now);
  const names = [config.host, ...config.hostNames].filter((name) => name !== '0.0.0.0' && name !== '::');
  const perKey = createRateLimit(config.rateLimit, now);
  const failures = createRateLimit({ perSecond: config.failedAttemptsPerMinute / 60, burst: config.failedAttemptsPerMinute }, now);

  const refuse = (reason: string, caller: Caller): HttpError => {
    metrics.refusedKey(reason);
    failures.take(caller.remoteAddress);
    return new HttpError(
      401,
      {
        code: reason === 'missing' ? 'KEY_MISSING' : 'KEY_REFUSED',
        message: reason === 'missing' ? 'this needs an API key' : 'this API key is not valid',
        hint: 'send Authorization: Bearer <key>; `sluice key create` makes one',
      },
      { 'www-authenticate': 'Bearer realm="sluice"' },
    );
  };

  return {
    async admit(caller, need) {
      if (!isOwnHost(caller.host, caller.localAddress, names))
        throw new HttpError(421, {
          code: 'HOST_REFUSED',
          message: 'the Host header names another server',
          hint: 'call the server by its address or as localhost, or add the name to serve.http.host_names',
        });
      if (need?.scope === null) return NOBODY;
      // Guessing is slowed down; a client behind the same address whose key is right goes on.
      const wait = failures.wait(caller.remoteAddress);
      if (wait > 0 && !keys.isKnown(caller.authorization)) throw tooMany('too many requests with a wrong key came from this address', wait);
      const answer = await keys.check(caller.authorization);
      if ('refused' in answer) throw refuse(answer.refused, caller);
      const { key } = answer;
      const pause = perKey.take(key.id);
      if (pause > 0) throw tooMany('this key sends more requests than it may', pause);
      uses.count(key.id, now());
      if (need?.scope && !hasScope(key, need.scope))
        throw new HttpError(403, {
          code: 'SCOPE_MISSING',
          message: `this needs a key with the scope ${need.scope}`,
          hint: `this one has ${key.scopes.join(', ') || 'none'}`,
        });
      if (need?.allDatabases === true && key.databases !== null)
        throw new HttpError(403, {
          code: 'DATABASES_LIMITED',
          message: 'this tells of all databases; the key is limited to some',
          hint: 'use a key that was made without --database',
        });
      return key;
    },
  };
}

function tooMany(message: string, waitSecs: number): HttpError {
  const seconds = String(Math.ceil(waitSecs));
  return new HttpError(429, { code: 'TOO_MANY_REQUESTS', message, hint: `wait ${seconds} s` }, { 'retry-after': seconds });
}

/** What statements of a key may touch. */
export function accessOf(key: ApiKeyRecord): QueryAccess {
  return { ...(key.databases === null ? {} : { databases: key.databases }), rejects: hasScope(key, 'rejects') };
}
