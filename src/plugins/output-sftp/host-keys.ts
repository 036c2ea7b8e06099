import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A line of a known_hosts file. */
export interface KnownHost {
  readonly marker: string | undefined;
  readonly hosts: string;
  readonly keyType: string;
  /** Base64. */
  readonly key: string;
}

export function parseKnownHosts(text: string): readonly KnownHost[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(?:(@[a-z-]+)\s+)?([^\s#@][^\s]*)\s+([^\s]+)\s+([A-Za-z0-9+/=]+)/.exec(line);
    return match ? [{ marker: match[1], hosts: match[2] as string, keyType: match[3] as string, key: match[4] as string }] : [];
  });
}

/** Entries for a server; certificate authorities are not understood and match nothing. */
export function entriesFor(entries: readonly KnownHost[], host: string, port: number): readonly KnownHost[] {
  const name = (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
  return entries.filter((entry) => entry.marker !== '@cert-authority' && matches(entry.hosts, name));
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) {
    const [salt = '', hash = ''] = hosts.slice(3).split('|');
    const expected = Buffer.from(hash, 'base64');
    const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
    return expected.length === found.length && timingSafeEqual(expected, found);
  }
  const patterns = hosts.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && globOf(pattern.slice(1)).test(name))) return false;
  return patterns.some((pattern) => globOf(pattern).test(name));
}

function globOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}

/** `SHA256:…` as OpenSSH writes it. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** Says why a server's key cannot be trusted; undefined when it can. */
export function keyProblem(
  key: Uint8Array,
  trusted: { readonly fingerprint: string } | { readonly entries: readonly KnownHost[] },
): string | undefined {
  const found = fingerprintOf(key);
  if ('fingerprint' in trusted)
    return found === trusted.fingerprint.replace(/=+$/, '') ? undefined : `its key is ${found}, not ${trusted.fingerprint}`;
  const text = Buffer.from(key).toString('base64');
  const same = trusted.entries.filter((entry) => entry.key === text);
  if (same.some((entry) => entry.marker === '@revoked')) return `its key ${found} is revoked`;
  if (same.length > 0) return undefined;
  return trusted.entries.length === 0 ? `it is not in known_hosts; its key is ${found}` : `its key ${found} is not the one in known_hosts`;
}

/** Signature algorithms of the known keys, so that the server shows one of those. */
export function algorithmsOf(entries: readonly KnownHost[]): string[] {
  return [...new Set(entries.flatMap(({ keyType }) => (keyType === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [keyType])))];
}
