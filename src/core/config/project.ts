import { existsSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorPlace, JsonObject, JsonValue, Secret } from '../spi/index.js';
import type { ConfigPath } from './config-path.js';
import { readDocument } from './document.js';
import { asNode } from './json-schema.js';
import { makeProblem, throwProblems } from './problem.js';
import { PROJECT_SCHEMA } from './project-schema.js';
import { readHttpConfig, type HttpConfig } from './serve-http.js';
import { readServeJobs, type ServeJobsConfig } from './serve-jobs.js';
import type { Environment } from './environment.js';
import { NO_SECRET_TOKENS } from './template.js';
import { validateSection } from './validate.js';

export type MetastoreConfig =
  | { readonly type: 'sqlite'; /** Absolute. */ readonly path: string }
  | {
      readonly type: 'postgresql';
      readonly url: Secret | undefined;
      readonly host: string | undefined;
      readonly port: number | undefined;
      readonly database: string | undefined;
      readonly user: string | undefined;
      readonly password: Secret | undefined;
    };

export interface MaintainConfig {
  readonly automatic: boolean;
  readonly snapshotDays: number;
  readonly minSnapshots: number;
  readonly maxSnapshots: number;
}

/** A project: its folder and what sluice.yml says, with defaults. */
export interface ProjectConfig {
  /** Absolute. Relative paths of configs start here. */
  readonly root: string;
  /** sluice.yml, where there is one. */
  readonly file: string | undefined;
  /** Neither sluice.yml nor `.sluice/` exists yet; who creates the latter says so to the user. */
  readonly isNew: boolean;
  readonly name: string;
  readonly metastore: MetastoreConfig;
  /** The folder that holds the tables, as a path and as Iceberg writes it: `file://` and the path as it is, with nothing encoded. */
  readonly storage: { readonly uri: string; readonly folder: string };
  readonly catalog: string;
  readonly exec: JsonObject;
  readonly defaults: { readonly [section in DefaultsSection]: { readonly [type: string]: JsonObject } };
  readonly plugins: readonly string[];
  /** Named connections as they are written; their plugins judge them. */
  readonly connections: { readonly [name: string]: JsonObject };
  /** `schedules:` as it is written; `loadSchedules` judges it. */
  readonly schedules: { readonly [name: string]: JsonValue };
  readonly maintain: MaintainConfig;
  readonly serve: ServeConfig;
  /** Place of a path in sluice.yml. */
  locate(path: ConfigPath, part?: 'key' | 'value'): ErrorPlace;
}

/** What `sluice serve` does. */
export interface ServeConfig extends ServeJobsConfig {
  readonly http: HttpConfig;
}

export type DefaultsSection = 'in' | 'parser' | 'filters' | 'out';

export interface ProjectOptions {
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Default `process.cwd()`. */
  readonly cwd?: string;
}

/** The project of a pipeline file, or of a folder. */
export async function loadProject(fileOrFolder: string, { env = process.env, cwd = process.cwd() }: ProjectOptions = {}): Promise<ProjectConfig> {
  const { root, isNew } = findRoot(resolve(cwd, fileOrFolder), cwd);
  const file = join(root, 'sluice.yml');
  const hasFile = existsSync(file);
  const shown = displayPath(file, cwd);
  const document = hasFile ? await readDocument(file, { env }, shown) : undefined;
  const locate = (path: ConfigPath, part?: 'key' | 'value'): ErrorPlace => document?.locate(path, part) ?? {};
  const value = document?.value ?? {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw makeProblem({ code: 'CONFIG_WRONG_TYPE', text: 'expected a mapping of settings', where: locate([]), hint: 'see docs/reference/config.md' });
  const scope = { env, root, commands: () => true, tokens: NO_SECRET_TOKENS, scheduledTime: undefined, locate };
  // Schedules are judged by themselves: they know `{{ scheduled_time }}`, and their sections belong to plugins.
  const { schedules, ...own } = value as JsonObject;
  const skeleton = schedules === undefined ? own : { ...own, schedules: asNode(schedules) ? {} : schedules };
  const { config, given, problems } = await validateSection(skeleton, PROJECT_SCHEMA, scope);
  throwProblems(problems);
  const metastore = readMetastore(config['metastore'] as JsonObject, root);
  if (metastore.type === 'postgresql' && metastore.url === undefined && metastore.database === undefined) {
    throw makeProblem({
      code: 'CONFIG_MISSING_KEY',
      text: 'expected the key "url" or "database"',
      where: locate(['metastore']),
      hint: 'name the PostgreSQL database of the metastore',
    });
  }
  return {
    root,
    file: hasFile ? file : undefined,
    isNew,
    name: (config['name'] as string | undefined) ?? basename(root),
    metastore,
    storage: storageAt(readStorage((config['storage'] as { root?: string }).root, root, locate)),
    catalog: config['catalog'] as string,
    exec: (given as { exec?: JsonObject }).exec ?? {},
    defaults: readDefaults(config['defaults'] as JsonObject),
    plugins: config['plugins'] as readonly string[],
    connections: ((value as JsonObject)['connections'] ?? {}) as { readonly [name: string]: JsonObject },
    schedules: (schedules ?? {}) as { readonly [name: string]: JsonValue },
    maintain: readMaintain(config['maintain'] as JsonObject),
    serve: { ...readServeJobs(config['serve'] as JsonObject, locate), http: readHttpConfig((config['serve'] as { http: JsonObject }).http) },
    locate,
  };
}

/** The path as a user in `cwd` would type it. */
export function displayPath(file: string, cwd: string): string {
  const below = relative(cwd, file);
  return below === '' || isAbsolute(below) || below.split(sep)[0] === '..' ? file : below;
}

/**
 * The nearest parent with sluice.yml or `.sluice/`. Without one: the working folder where it holds the file, else the
 * file's own folder.
 */
function findRoot(path: string, cwd: string): { root: string; isNew: boolean } {
  const start = isFolder(path) ? path : dirname(path);
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'sluice.yml')) || isFolder(join(folder, '.sluice'))) return { root: folder, isNew: false };
    if (folder === dirname(folder)) break;
  }
  return { root: start === cwd || start.startsWith(cwd.endsWith(sep) ? cwd : cwd + sep) ? cwd : start, isNew: true };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readMetastore(config: JsonObject, root: string): MetastoreConfig {
  if (config['type'] !== 'postgresql')
    return { type: 'sqlite', path: resolve(root, (config['path'] as string | undefined) ?? join('.sluice', 'metastore.db')) };
  const secret = (key: string): Secret | undefined => config[key] as unknown as Secret | undefined;
  const text = (key: string): string | undefined => config[key] as string | undefined;
  return {
    type: 'postgresql',
    url: secret('url'),
    host: text('host'),
    port: config['port'] as number | undefined,
    database: text('database'),
    user: text('user'),
    password: secret('password'),
  };
}

function readStorage(root: string | undefined, projectRoot: string, locate: ProjectConfig['locate']): string {
  const text = root ?? join('.sluice', 'warehouse');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return resolve(projectRoot, text);
  if (scheme !== 'file')
    throw makeProblem({
      code: 'CONFIG_VALUE',
      text: `expected a folder or a file:// URI, found one of ${scheme}://`,
      where: locate(['storage', 'root']),
      hint: 'this version stores tables on file:// only',
    });
  try {
    return resolve(fileURLToPath(text));
  } catch (error) {
    throw makeProblem({
      code: 'CONFIG_VALUE',
      text: 'expected a file:// URI with an absolute path',
      where: locate(['storage', 'root']),
      hint: 'write file:///folder/...',
      cause: error,
    });
  }
}

function storageAt(folder: string): ProjectConfig['storage'] {
  return { uri: `file://${folder}`, folder };
}

function readDefaults(config: JsonObject): ProjectConfig['defaults'] {
  const section = (key: string): { readonly [type: string]: JsonObject } =>
    (config[key] as { readonly [type: string]: JsonObject } | undefined) ?? {};
  return { in: section('in'), parser: section('parser'), filters: section('filters'), out: section('out') };
}

function readMaintain(config: JsonObject): MaintainConfig {
  return {
    automatic: config['automatic'] as boolean,
    snapshotDays: config['snapshot_days'] as number,
    minSnapshots: config['min_snapshots'] as number,
    maxSnapshots: config['max_snapshots'] as number,
  };
}
