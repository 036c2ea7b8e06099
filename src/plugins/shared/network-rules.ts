import { lookup as resolveName, type LookupOptions } from 'node:dns';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigError } from '../../core/spi/index.js';

/** Addresses where machines keep credentials for whoever asks: link-local ones, and the metadata services outside them. */
const REFUSED = new BlockList();
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4');
REFUSED.addAddress('100.100.100.200', 'ipv4');
REFUSED.addSubnet('0.0.0.0', 8, 'ipv4');
REFUSED.addSubnet('fe80::', 10, 'ipv6');
REFUSED.addAddress('fd00:ec2::254', 'ipv6');
REFUSED.addAddress('fd20:ce::254', 'ipv6');
REFUSED.addAddress('::', 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** The error code of a connection that the rules refuse; set on the error that the lookup gives. */
export const REFUSED_ADDRESS = 'EREFUSEDADDRESS';

/** Whether no connection may go there, also where an IPv4 address is written as an IPv6 one. */
export function isRefusedAddress(address: string): boolean {
  return REFUSED.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * A URL of a config or key file: https, or http to this machine; no user in it; no literal address that the rules refuse.
 * `name` says in the error where the URL stands.
 */
export function readServiceUrl(text: string, name: string): URL {
  const fail = (found: string): never => {
    throw new ConfigError({
      code: 'SERVICE_URL',
      message: `${name}: expected an https URL, found ${found}`,
      hint: 'http is for this machine alone (127.0.0.1); link-local and metadata addresses are refused, and a URL holds no password',
    });
  };
  if (!URL.canParse(text)) return fail('a text that is no URL');
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.username !== '' || url.password !== '') return fail(`one with a user before ${url.host}`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(host))) return fail(`${url.protocol}//${url.host}`);
  if (isIP(host) !== 0 && isRefusedAddress(host)) return fail(`the refused address ${host}`);
  return url;
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4'));
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | { address: string; family: number }[], family?: number) => void;

/** For the `lookup` option of an http(s) agent or request: checks the address that is then connected to, so that no second answer slips in. */
export function guardedLookup(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return void callback(error, []);
    const refused = addresses.find(({ address }) => isRefusedAddress(address));
    if (refused) {
      const message = `${hostname} stands for ${refused.address}, a link-local or metadata address`;
      return void callback(Object.assign(new Error(message), { code: REFUSED_ADDRESS }), []);
    }
    if (options.all === true) return void callback(null, addresses);
    const [first] = addresses;
    if (first) return void callback(null, first.address, first.family);
    callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), []);
  });
}
