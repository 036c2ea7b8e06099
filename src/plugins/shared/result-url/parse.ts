import { ConfigError, didYouMean, isSecretName, redactUrls, type JsonObject, type JsonValue } from '../../../core/spi/index.js';
import { splitFileOptions } from './file-options.js';

/** Environment variable that a target's password is read from. */
export const PASSWORD_VARIABLE = 'SLUICE_PASSWORD';

/** Where a result goes, as an `out` section without a secret in it. */
export interface ResultTarget {
  /** Secrets of the URL stand as `{env: NAME}`. */
  readonly out: JsonObject;
  /** Values of those variables, where the URL had them. */
  readonly secrets: { readonly [variable: string]: string };
  /** The target without user, password and options, such as `postgresql://db.example.com/sales/orders`. */
  readonly name: string;
  /** What the user should know, such as a password that shell histories keep. */
  readonly notes: readonly string[];
}

export interface ResultUrlOptions {
  /** Type of a named connection of sluice.yml, or undefined when there is none. */
  connectionType(name: string): string | undefined;
}

const FORMS =
  'postgresql://user@host/database/table?mode=merge&keys=id, mysql://…, s3://bucket/path.csv.gz, sftp://user@host/path.csv, file:path.csv, NAME:table (a connection of sluice.yml), warehouse:namespace.table, stdout';

/**
 * Reads a result URL: Sluice's own forms and those of Treasure Data's result export for mysql, postgresql, s3 and sftp
 * (`mode=update&unique=id` is a merge). Nothing is opened. Errors: ConfigError RESULT_URL, which never shows a secret.
 */
export function parseResultUrl(text: string, options: ResultUrlOptions): ResultTarget {
  const trimmed = text.trim();
  if (trimmed === '-' || /^stdout(:|$)/.test(trimmed)) return parseStdout(trimmed);
  const [, scheme = '', rest = ''] = /^([A-Za-z0-9_.+-]+):(.*)$/s.exec(trimmed) ?? [];
  const kind = scheme.toLowerCase();
  switch (kind) {
    case 'postgresql':
    case 'postgres':
      return parseDatabase('postgresql', trimmed);
    case 'mysql':
    case 'mariadb':
      return parseDatabase('mysql', trimmed);
    case 's3':
      return parseS3(trimmed);
    case 'sftp':
      return parseSftp(trimmed);
    case 'file':
      return parseFile(rest);
    case 'warehouse':
      return parseWarehouse(rest);
    case 'td':
      throw problem(trimmed, 'tables of Treasure Data are no target', 'warehouse:namespace.table writes into the project’s own warehouse');
    case '':
      throw problem(trimmed, 'expected a target', /[./]/.test(trimmed) ? `a file is file:${trimmed}; other forms: ${FORMS}` : `forms: ${FORMS}`);
    default:
      return parseConnection(scheme, rest, options, trimmed);
  }
}

/** Collects an `out` section; secrets go to variables. */
class Target {
  readonly #out: Record<string, JsonValue> = {};
  readonly #secrets: Record<string, string> = {};
  readonly #notes: string[] = [];

  set(key: string, value: JsonValue): void {
    this.#out[key] = value;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#out, key);
  }

  secret(key: string, variable: string, value: string): void {
    this.#out[key] = { env: variable };
    this.#secrets[variable] = value;
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  options(list: Iterable<readonly [string, string]>): void {
    for (const [name, value] of list) {
      if (isSecretName(name) && value !== '') this.secret(name, `SLUICE_EXPORT_${name.toUpperCase()}`, value);
      else this.set(name, typed(name, value));
    }
  }

  finish(name: string): ResultTarget {
    if (Object.keys(this.#secrets).length > 0)
      this.note(
        `the URL holds a secret, which shell histories and process lists show; better is ${PASSWORD_VARIABLE}, pgpass or a connection of sluice.yml`,
      );
    return { out: this.#out, secrets: this.#secrets, name, notes: this.#notes };
  }
}

/** Keys that hold lists in a config. */
const LISTS: ReadonlySet<string> = new Set(['keys', 'merge_keys', 'merge_order_by', 'merge_rule', 'partition_by', 'encoders']);

/** Text of a URL as the value a config would hold. */
function typed(name: string, value: string): JsonValue {
  if (LISTS.has(name)) return value.split(',').map((item) => item.trim());
  if (value === 'true' || value === 'false') return value === 'true';
  return /^(0|[1-9]\d{0,14})$/.test(value) && !name.endsWith('_string') ? Number(value) : value;
}

/** Treasure Data's names for Sluice's keys of database targets. */
function databaseOptions(params: URLSearchParams, target: Target, type: string): void {
  const given = new Map<string, string>();
  for (const [name, value] of params) {
    const key = name === 'unique' ? 'keys' : name === 'useSSL' || name === 'usessl' ? 'ssl' : name;
    // Rows go by COPY or LOAD DATA whatever the URL says.
    if (key === 'method') target.note(`method=${value} is not needed: rows go by the database’s bulk path`);
    else given.set(key, key === 'mode' && value === 'update' ? 'merge' : value);
  }
  if (type === 'mysql') given.delete('schema');
  if (!given.has('mode')) {
    given.set('mode', 'append');
    target.note('no mode is given: append');
  }
  target.options(given);
}

function parseDatabase(type: 'postgresql' | 'mysql', text: string): ResultTarget {
  const url = parseUrl(text);
  const path = url.pathname
    .split('/')
    .slice(1)
    .map((part) => decode(part, text));
  const [database = '', table = '', ...more] = path;
  if (database === '' || table === '' || more.length > 0)
    throw problem(
      text,
      `expected ${type}://user@host/database/table, found ${path.length} parts after the host`,
      `a slash within a name is written %2F`,
    );
  const target = new Target();
  target.set('type', type);
  if (url.hostname !== '') target.set('host', hostOf(url));
  if (url.port !== '') target.set('port', Number(url.port));
  credentials(url, target, text);
  target.set('database', database);
  target.set('table', table);
  databaseOptions(url.searchParams, target, type);
  const schema = url.searchParams.get('schema');
  return target.finish(`${type}://${url.host}/${database}/${type === 'postgresql' && schema !== null ? `${schema}.` : ''}${table}`);
}

function credentials(url: URL, target: Target, text: string): void {
  if (url.username !== '') target.set('user', decode(url.username, text));
  if (url.password !== '') target.secret('password', PASSWORD_VARIABLE, decode(url.password, text));
}

/** `s3://bucket/path`, or with keys Treasure Data's `s3://key:secret@[endpoint]/bucket/path`. */
function parseS3(text: string): ResultTarget {
  const withKeys = /^s3:\/\/([^/@]*)@([^/]*)\/([^/?]+)\/([^?]*)(\?.*)?$/is.exec(text);
  const target = new Target();
  target.set('type', 's3');
  const [, userinfo = '', endpoint = '', bucket, path = '', query = ''] = withKeys ?? [];
  if (bucket === undefined) {
    const [, plainBucket, plainPath = '', plainQuery = ''] = /^s3:\/\/([A-Za-z0-9._-]+)\/([^?]*)(\?.*)?$/is.exec(text) ?? [];
    if (plainBucket === undefined || plainPath === '') throw problem(text, 'expected s3://bucket/path', 'e.g. s3://reports/daily/orders.csv.gz');
    target.set('bucket', plainBucket);
    fileTarget(target, decode(plainPath, text), new URLSearchParams(plainQuery));
    return target.finish(`s3://${plainBucket}/${plainPath}`);
  }
  const [key = '', secret = ''] = userinfo.split(':').map((part) => decode(part, text));
  if (key === '' || secret === '' || path === '')
    throw problem(text, 'expected s3://key:secret@/bucket/path', 'characters such as / and + in the secret are written %2F and %2B');
  target.set('auth_method', 'basic');
  target.secret('access_key_id', 'SLUICE_ACCESS_KEY_ID', key);
  target.secret('secret_access_key', PASSWORD_VARIABLE, secret);
  if (endpoint !== '' && !/^s3\.amazonaws\.com$/i.test(endpoint)) target.set('endpoint', `https://${endpoint}`);
  target.set('bucket', bucket);
  // As there, the object of the last export gives way.
  target.set('overwrite', true);
  fileTarget(target, decode(path, text), new URLSearchParams(query));
  return target.finish(`s3://${bucket}/${path}`);
}

function parseSftp(text: string): ResultTarget {
  const url = parseUrl(text);
  // As in curl: absolute, or with ~ from the login folder.
  const path = decode(url.pathname, text).replace(/^\/~\//, '');
  if (url.hostname === '' || path === '' || path === '/')
    throw problem(text, 'expected sftp://user@host/path', 'e.g. sftp://me@files.example.com/out/orders.csv; /~/path starts at the login folder');
  const target = new Target();
  target.set('type', 'sftp');
  target.set('host', hostOf(url));
  if (url.port !== '') target.set('port', Number(url.port));
  credentials(url, target, text);
  const prefix = url.searchParams.get('path_prefix');
  url.searchParams.delete('path_prefix');
  fileTarget(target, prefix ?? path, url.searchParams);
  return target.finish(`sftp://${url.host}/${path.replace(/^\//, '')}`);
}

function parseFile(rest: string): ResultTarget {
  const { path: given, query } = cutQuery(rest);
  const path = given.startsWith('//') ? decode(given.replace(/^\/\/(localhost)?/, ''), rest) : given;
  if (path === '') throw problem(`file:${rest}`, 'expected file:path', 'e.g. file:out/orders.csv.gz');
  const target = new Target();
  target.set('type', 'file');
  fileTarget(target, path, query);
  return target.finish(`file:${path}`);
}

/** A path that ends with a slash is a folder for names of their own. */
function fileTarget(target: Target, path: string, query: URLSearchParams): void {
  target.set(path.endsWith('/') ? 'path_prefix' : 'path', path);
  const { format, rest, notes } = splitFileOptions(path, query);
  for (const [key, value] of Object.entries(format)) target.set(key, value);
  for (const note of notes) target.note(note);
  target.options(rest);
}

function parseStdout(text: string): ResultTarget {
  const target = new Target();
  target.set('type', 'stdout');
  const { query } = cutQuery(text);
  const { format, rest } = splitFileOptions('', query);
  for (const [key, value] of Object.entries(format)) target.set(key, value);
  target.options(rest);
  return target.finish('stdout');
}

function parseWarehouse(rest: string): ResultTarget {
  const { path, query } = cutQuery(rest);
  const table = path.replace(/^\/\//, '');
  if (table === '') throw problem(`warehouse:${rest}`, 'expected warehouse:namespace.table', 'e.g. warehouse:shop.totals?mode=replace');
  const target = new Target();
  target.set('type', 'warehouse');
  target.set('table', table);
  target.options(query);
  return target.finish(`warehouse:${table}`);
}

function parseConnection(name: string, rest: string, options: ResultUrlOptions, text: string): ResultTarget {
  const type = options.connectionType(name);
  if (type === undefined || rest.startsWith('//')) {
    const schemes = ['postgresql', 'mysql', 's3', 'sftp', 'file', 'warehouse'];
    const known = rest.startsWith('//')
      ? `targets of ${name}:// are not known${didYouMean(name, schemes)}`
      : `there is no connection ${name} in sluice.yml`;
    throw problem(text, known, `forms: ${FORMS}`);
  }
  const { path, query } = cutQuery(rest);
  const place = decode(path, text);
  if (place === '') throw problem(text, `expected ${name}:table, found no table`, `e.g. ${name}:orders?mode=append`);
  const target = new Target();
  target.set('connection', name);
  if (type === 'postgresql' || type === 'mysql') {
    target.set('table', place);
    databaseOptions(query, target, type);
  } else fileTarget(target, place, query);
  return target.finish(`${name}:${place}`);
}

function cutQuery(text: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = text.indexOf('?');
  return at < 0 ? { path: text, query: new URLSearchParams() } : { path: text.slice(0, at), query: new URLSearchParams(text.slice(at + 1)) };
}

function parseUrl(text: string): URL {
  // An own scheme keeps host and path as they are written.
  if (!/^[a-z0-9+.-]+:\/\//i.test(text) || !URL.canParse(text))
    throw problem(text, 'it is not a URL', 'characters such as @ : / ? # in a password are percent-encoded, e.g. %40 for @');
  return new URL(text);
}

function hostOf(url: URL): string {
  return decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw problem(text, 'a % is not followed by two hexadecimal digits', 'write %25 for the character % itself');
  }
}

function problem(text: string, what: string, hint: string): ConfigError {
  return new ConfigError({ code: 'RESULT_URL', message: `${shown(text)}: ${what}`, hint });
}

/** Nothing of a URL that could be a secret, even where it is not well-formed. */
function shown(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^[a-z0-9+.-]+:\/\//i.exec(text)?.[0];
  const cut = scheme !== undefined && at > scheme.length ? `${scheme}***@${text.slice(at + 1)}` : text;
  return redactUrls(cut).slice(0, 200);
}
