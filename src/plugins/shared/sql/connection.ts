import { revealSecret, type ConfigPlace, type Secret } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { resolveTls, type TlsConfig, type TlsSettings } from './tls.js';

/** What a config of {@link connectionProperties} holds after validation. */
export interface SqlConnectionConfig extends TlsConfig {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string | Secret;
  readonly database?: string;
  readonly connect_timeout?: number;
  readonly socket_timeout?: number;
  readonly options?: { readonly [name: string]: string | number | boolean };
}

/** A connection as a driver needs it; the password is read at the moment it is used. */
export interface SqlConnectionSettings {
  /** Host name, address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly tls: TlsSettings;
  readonly connectTimeoutMs: number;
  /** 0: for ever. */
  readonly socketTimeoutMs: number;
  readonly options: { readonly [name: string]: string | number | boolean };
  /** Undefined: none was given. */
  password(): Promise<string | undefined>;
  /** `host:port/database`, for messages; holds no secret. */
  readonly place: string;
}

export function resolveConnection(config: SqlConnectionConfig, defaults: { readonly port: number }, place: ConfigPlace): SqlConnectionSettings {
  const host = config.host ?? 'localhost';
  const port = config.port ?? defaults.port;
  const { password } = config;
  if (host.includes('://') || host.includes('@')) {
    throw configProblem(place, 'host', {
      code: 'SQL_HOST',
      message: 'expected a host name, found a URL',
      hint: 'write host, port, user, password and database as keys of their own',
    });
  }
  return {
    host,
    port,
    user: config.user,
    database: config.database,
    tls: resolveTls(config, host, place),
    connectTimeoutMs: (config.connect_timeout ?? 300) * 1000,
    socketTimeoutMs: (config.socket_timeout ?? 1800) * 1000,
    options: config.options ?? {},
    password: async () => (password === undefined ? undefined : revealSecret(password)),
    place: `${host.includes(':') ? `[${host}]` : host}:${port}${config.database === undefined ? '' : `/${config.database}`}`,
  };
}
