import { isAbsolute } from 'node:path';

import { ConfigError } from '../core/spi/index.js';

export type MetastoreUrl =
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'postgresql';
      readonly host: string;
      readonly port: number;
      readonly user: string | undefined;
      readonly database: string;
      readonly tls: 'disable' | 'verify-full';
      readonly caFile: string | undefined;
    };

const PARAMETERS = ['host', 'sslmode', 'sslrootcert'];

/** Reads `sqlite:<absolute path>` or `postgresql://user@host:port/database?sslmode=…&sslrootcert=…`. */
export function parseMetastoreUrl(text: string): MetastoreUrl {
  if (text.startsWith('sqlite:')) {
    const file = text.slice('sqlite:'.length);
    if (!isAbsolute(file)) throw invalid(`expected an absolute path after "sqlite:", found "${file}"`, 'write the full path of the database file');
    return { kind: 'sqlite', file };
  }
  if (!/^postgres(ql)?:\/\//.test(text))
    throw invalid('expected sqlite:<path> or postgresql://user@host/database', 'check metastore.url in sluice.yml');
  if (!URL.canParse(text))
    throw invalid('expected postgresql://user@host/database', 'percent-encode special characters in the user name and the database');
  const url = new URL(text);
  if (url.password !== '' || url.searchParams.has('password')) {
    throw invalid('the URL holds a password', 'move it to metastore.password as {env: NAME} or {file: PATH}');
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw invalid(`unknown parameter "${unknown}"`, `known are ${PARAMETERS.join(', ')}`);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw invalid('expected a database name after the host', 'write postgresql://user@host/database');
  return {
    kind: 'postgresql',
    host: host === '' ? 'localhost' : host.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5432 : Number(url.port),
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    database,
    tls: parseTls(url.searchParams.get('sslmode'), host),
    caFile: url.searchParams.get('sslrootcert') ?? undefined,
  };
}

function parseTls(sslmode: string | null, host: string): 'disable' | 'verify-full' {
  if (sslmode === 'disable' || sslmode === 'verify-full') return sslmode;
  if (sslmode !== null)
    throw invalid(`sslmode: expected disable or verify-full, found "${sslmode}"`, 'the weaker modes do not tell the server from an impostor');
  const local = host === '' || host.startsWith('/') || ['localhost', '127.0.0.1', '[::1]', '::1'].includes(host);
  return local ? 'disable' : 'verify-full';
}

function invalid(detail: string, hint: string): ConfigError {
  return new ConfigError({ code: 'METASTORE_URL', message: `metastore.url: ${detail}`, hint });
}
