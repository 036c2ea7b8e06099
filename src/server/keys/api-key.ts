import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConfigError, type ApiKeyRecord } from '../../core/spi/index.js';

export type KeyScope = ApiKeyRecord['scopes'][number];
export const KEY_SCOPES: readonly KeyScope[] = ['read', 'write', 'rejects', 'admin'];

/** `sluice_<12 characters>_<43 characters>`: the id and 256 random bits. The prefix lets secret scanners find leaked keys. */
const KEY_TEXT = /^sluice_([0-9a-z]{12})_([A-Za-z0-9_-]{43})$/;
const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

export interface NewKey {
  readonly id: string;
  /** Shown once, stored nowhere. */
  readonly text: string;
  /** SHA-256 of the secret half, hex. A slow hash would add nothing: the secret has 256 bits. */
  readonly hash: string;
}

export function makeKey(): NewKey {
  const id = [...randomBytes(12)].map((byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  const secret = randomBytes(32).toString('base64url');
  return { id, text: `sluice_${id}_${secret}`, hash: hashSecret(secret).toString('hex') };
}

export interface PresentedKey {
  readonly id: string;
  /** SHA-256 of the secret half. */
  readonly hash: Buffer;
}

/** What a client presents; undefined when it is not even shaped like a key. */
export function readKey(text: string): PresentedKey | undefined {
  const [, id, secret] = KEY_TEXT.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, hash: hashSecret(secret) };
}

/** Takes the same time whether and wherever they differ. */
export function sameHash(presented: Buffer, storedHex: string): boolean {
  const stored = Buffer.from(storedHex, 'hex');
  return stored.length === presented.length && timingSafeEqual(presented, stored);
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Scopes of text such as `read,write`. Errors: ConfigError KEY_SCOPE. */
export function parseScopes(names: readonly string[]): readonly KeyScope[] {
  const scopes = names.map((name) => KEY_SCOPES.find((scope) => scope === name.trim().toLowerCase()) ?? name);
  const unknown = scopes.find((scope) => !KEY_SCOPES.some((known) => known === scope));
  if (unknown !== undefined || scopes.length === 0)
    throw new ConfigError({
      code: 'KEY_SCOPE',
      message: `expected scopes among ${KEY_SCOPES.join(', ')}, found ${unknown ?? 'none'}`,
      hint: 'e.g. --scope read,write',
    });
  return KEY_SCOPES.filter((scope) => scopes.includes(scope));
}

/** `admin` may do everything. */
export function hasScope(key: Pick<ApiKeyRecord, 'scopes'>, scope: KeyScope): boolean {
  return key.scopes.includes(scope) || key.scopes.includes('admin');
}

/** Why a stored key opens nothing now; undefined: it does. `now` in milliseconds since 1970. */
export function whyUseless(key: ApiKeyRecord, now: number): 'revoked' | 'expired' | undefined {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : undefined;
}
