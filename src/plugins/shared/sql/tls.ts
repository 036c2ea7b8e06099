import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { fileSystemError, type ConfigPlace } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';

export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export interface TlsConfig {
  readonly tls?: TlsMode;
  readonly tls_ca?: string;
  readonly tls_cert?: string;
  readonly tls_key?: string;
  readonly ssl?: boolean | 'enable' | 'disable' | 'verify';
}

export interface TlsSettings {
  readonly mode: TlsMode;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Something the user should know, for the plan. */
  readonly note: string | undefined;
}

/** What `tls.connect` and the drivers take. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity: (host: string, cert: PeerCertificate) => Error | undefined;
}

/** Unix sockets and loopback addresses: nobody else can listen in. */
export function isLocalHost(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The rule of docs/guarantees.md: verified unless the server is on this machine, and never weaker without being asked. */
export function resolveTls(config: TlsConfig, host: string, place: ConfigPlace): TlsSettings {
  const files = { ca: config.tls_ca, cert: config.tls_cert, key: config.tls_key };
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw configProblem(place, files.cert === undefined ? 'tls_key' : 'tls_cert', {
      code: 'SQL_TLS_FILES',
      message: `expected tls_cert and tls_key together, found only ${files.cert === undefined ? 'tls_key' : 'tls_cert'}`,
      hint: 'a client certificate needs its key',
    });
  }
  if (config.tls !== undefined) {
    if (config.ssl !== undefined) {
      throw configProblem(place, 'ssl', {
        code: 'SQL_TLS_TWICE',
        message: 'expected tls or ssl, found both',
        hint: 'keep tls; ssl is there for configs of Embulk',
      });
    }
    return { ...files, mode: config.tls, note: undefined };
  }
  const local = isLocalHost(host);
  switch (config.ssl) {
    case true:
    case 'enable':
      return { ...files, mode: 'require', note: 'ssl encrypts without verifying the server, as in Embulk; tls: verify-full verifies it' };
    case 'verify':
      return { ...files, mode: 'verify-full', note: undefined };
    case false:
    case 'disable':
      if (!local) {
        throw configProblem(place, 'ssl', {
          code: 'SQL_TLS_OFF',
          message: `a plain connection to ${host} would show data and password to the network`,
          hint: 'tls: verify-full encrypts and verifies the connection (the default without ssl); tls: disable accepts a plain one',
        });
      }
      return { ...files, mode: 'disable', note: undefined };
    default:
      return { ...files, mode: local && files.ca === undefined ? 'disable' : 'verify-full', note: undefined };
  }
}

/** Reads the files of the settings; undefined: a plain connection. Relative paths start at the project's root. */
export async function readTlsOptions(settings: TlsSettings, host: string, root: string): Promise<TlsOptions | undefined> {
  if (settings.mode === 'disable') return undefined;
  const read = async (path: string | undefined, key: string): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await readFile(isAbsolute(path) ? path : join(root, path), 'utf8');
    } catch (error) {
      throw fileSystemError(error, `reading ${key} ${path}`);
    }
  };
  const [ca, cert, key] = await Promise.all([read(settings.ca, 'tls_ca'), read(settings.cert, 'tls_cert'), read(settings.key, 'tls_key')]);
  return {
    rejectUnauthorized: settings.mode !== 'require',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    // Drivers differ in the name they would check; only the configured one counts.
    checkServerIdentity: (_name, peer) => (settings.mode === 'verify-full' ? checkServerIdentity(host, peer) : undefined),
  };
}
