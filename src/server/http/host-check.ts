import { isIP } from 'node:net';

/**
 * Whether a Host header names this server: localhost, a configured name, or the very address the connection came to. Any other
 * name may be one that a foreign page points at this machine (DNS rebinding).
 */
export function isOwnHost(header: string | undefined, localAddress: string | undefined, names: readonly string[]): boolean {
  const name = hostOf(header);
  if (name === undefined) return false;
  if (name === 'localhost' || names.some((own) => bare(own) === name)) return true;
  return isIP(name) !== 0 && localAddress !== undefined && name === plainAddress(localAddress);
}

/** The name of `name:port`, `[::1]:80` or `name`, in lower case; undefined: not a host. */
function hostOf(header: string | undefined): string | undefined {
  const [, v6, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '') ?? [];
  return (v6 ?? plain)?.toLowerCase().replace(/\.$/, '');
}

function bare(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}

/** An IPv4 address that came through an IPv6 socket is `::ffff:10.0.0.1`. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
}
