import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { didYouMean, fileSystemError, Secret, SluiceError, type ConfigError, type JsonObject, type JsonValue } from '../spi/index.js';
import type { Registry } from '../registry/index.js';
import { readChecks } from './checks.js';
import type { ConfigPath } from './config-path.js';
import { withConnection } from './connections.js';
import type { ConfigDocument } from './document.js';
import type { Environment } from './environment.js';
import { asNode } from './json-schema.js';
import { configureOutput } from './output-section.js';
import { loadPipelineDocument, loadPipelines, type PipelineDraft, type PipelineOptions } from './pipeline.js';
import { ConfigErrors, makeProblem } from './problem.js';
import type { ProjectConfig } from './project.js';
import type { SchedulePayload } from './schedule-definition.js';
import { layerAt, type SectionScope } from './section.js';
import { NO_SECRET_TOKENS } from './template.js';

/** What a schedule runs. */
export interface ScheduleWork {
  readonly payload: SchedulePayload;
  readonly connections: readonly string[];
  readonly keepsState: readonly string[];
  readonly appends: readonly string[];
}

export interface WorkOptions {
  readonly project: ProjectConfig;
  readonly registry: Registry;
  readonly env: Environment;
  readonly cwd: string;
  /** The `out` section of a result URL; without it URLs are refused. */
  readonly readTarget: ((url: string) => JsonObject) | undefined;
  /** For pipeline files. */
  readonly rewrite: PipelineOptions['rewrite'] | undefined;
}

/** Stands for the nominal time while configs are checked. */
const SOME_TIME = '2026-01-01T00:00:00Z';
const FORMS = ['pipeline', 'in', 'sql', 'sql_file'] as const;
/** Keys that mean something for these forms only. */
const BELONGS: { readonly [key: string]: readonly (typeof FORMS)[number][] } = {
  only: ['pipeline'],
  filters: ['in'],
  unmatched: ['in'],
  exec: ['in'],
  out: ['in', 'sql', 'sql_file'],
  checks: ['in', 'sql', 'sql_file'],
  params: ['sql', 'sql_file'],
  into: ['sql', 'sql_file'],
  mode: ['sql', 'sql_file'],
};

/** Reads the work of schedules; pipeline files that several share are read once. */
export class WorkReader {
  readonly #options: WorkOptions;
  readonly #files = new Map<string, Promise<readonly PipelineDraft[]>>();

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** `document` has the schedule's keys at its top. Undefined after problems. */
  async read(name: string, document: ConfigDocument, problems: ConfigError[]): Promise<ScheduleWork | undefined> {
    const value = document.value as JsonObject;
    const found = FORMS.filter((key) => value[key] !== undefined);
    const [form] = found;
    if (form === undefined || found.length > 1) {
      problems.push(
        makeProblem({
          code: form === undefined ? 'CONFIG_MISSING_KEY' : 'CONFIG_VALUE',
          text: `expected one of the keys ${FORMS.join(', ')}, found ${form === undefined ? 'none' : found.join(' and ')}`,
          where: document.locate(found[1] === undefined ? [] : [found[1]], 'key'),
          hint: 'a schedule runs a pipeline file, a pipeline that stands in it, or a SQL statement',
        }),
      );
      return undefined;
    }
    for (const [key, forms] of Object.entries(BELONGS)) {
      if (value[key] === undefined || forms.includes(form)) continue;
      problems.push(
        makeProblem({
          code: 'CONFIG_VALUE',
          text: `the key "${key}" does not go together with "${form}"`,
          where: document.locate([key], 'key'),
          hint: form === 'pipeline' ? 'write it into the pipeline file' : `it belongs to ${forms.join(', ')}`,
        }),
      );
    }
    const before = problems.length;
    const work =
      form === 'pipeline'
        ? await this.#pipelineFile(value, document, problems)
        : form === 'in'
          ? await this.#pipeline(name, value, document, problems)
          : await this.#sql(value, document, problems);
    return problems.length > before ? undefined : work;
  }

  async #pipelineFile(value: JsonObject, document: ConfigDocument, problems: ConfigError[]): Promise<ScheduleWork | undefined> {
    const file = String(value['pipeline']);
    const path = this.#below(file, 'pipeline', document, problems);
    if (path === undefined) return undefined;
    let drafts: readonly PipelineDraft[];
    try {
      drafts = await this.#load(path);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'CONFIG_NOT_FOUND')
        problems.push(
          makeProblem({
            code: 'CONFIG_NOT_FOUND',
            text: `no such file: ${file}`,
            where: document.locate(['pipeline']),
            hint: 'paths start at the project root, such as pipelines/orders.yml',
            cause: error,
          }),
        );
      else addProblems(error, problems);
      return undefined;
    }
    const only = value['only'] as string | undefined;
    const chosen = only === undefined ? drafts : drafts.filter((draft) => draft.name === only);
    if (chosen.length === 0) {
      const names = drafts.map((draft) => draft.name);
      problems.push(
        makeProblem({
          code: 'CONFIG_VALUE',
          text: `${file} has no pipeline ${JSON.stringify(only)}${didYouMean(String(only), names)}`,
          where: document.locate(['only']),
          hint: `its pipelines: ${names.join(', ')}`,
        }),
      );
    }
    const shown = relative(this.#options.project.root, path).split(sep).join('/');
    return { payload: { kind: 'pipeline', file: shown, ...(only === undefined ? {} : { pipeline: only }) }, ...factsOf(chosen) };
  }

  async #pipeline(name: string, value: JsonObject, document: ConfigDocument, problems: ConfigError[]): Promise<ScheduleWork | undefined> {
    const keys = ['in', 'filters', 'out', 'unmatched', 'exec', 'checks'];
    const sections = Object.fromEntries(keys.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key] as JsonValue]])));
    const definition: JsonObject = { name: `schedule:${name}`, ...sections };
    try {
      const drafts = await loadPipelineDocument({ ...document, value: definition }, this.#pipelineOptions());
      for (const draft of drafts) {
        this.#refuseSecrets(draft.input.config, asNode(value['in']), ['in'], document, problems);
        const outs = draft.routes?.map((route) => route.output) ?? [draft.output];
        for (const [i, output] of outs.entries()) {
          const [section, path]: [JsonValue | undefined, ConfigPath] = draft.routes
            ? [(value['out'] as JsonValue[])[i], ['out', i]]
            : [value['out'], ['out']];
          this.#refuseSecrets(output?.config, asNode(section), path, document, problems);
        }
      }
      return { payload: { kind: 'pipeline', definition }, ...factsOf(drafts) };
    } catch (error) {
      addProblems(error, problems);
      return undefined;
    }
  }

  async #sql(value: JsonObject, document: ConfigDocument, problems: ConfigError[]): Promise<ScheduleWork | undefined> {
    const sql = (value['sql'] as string | undefined) ?? (await this.#sqlFile(value, document, problems));
    const scope = this.#scope(problems);
    const into = intoSection(value);
    const out = this.#outSection(value, document, problems);
    const params = asNode(value['params']) as JsonObject | undefined;
    if (into !== undefined && out !== undefined)
      problems.push(
        makeProblem({
          code: 'CONFIG_VALUE',
          text: 'expected "into" or "out", found both',
          where: document.locate(['out'], 'key'),
          hint: 'make a second schedule that depends on this one and sends the table on',
        }),
      );
    if (value['mode'] !== undefined && typeof value['into'] !== 'string')
      problems.push(
        makeProblem({
          code: 'CONFIG_VALUE',
          text: 'the key "mode" belongs to into: namespace.table',
          where: document.locate(['mode'], 'key'),
          hint: 'write mode into the mapping of into or out',
        }),
      );
    const checks = await readChecks(value['checks'], document, ['checks'], scope);
    const target = into ?? out;
    if (target !== undefined) await this.#configureTarget(target, into === undefined ? 'out' : 'into', value, document, scope);
    if (sql === undefined) return undefined;
    const connection = out?.['connection'];
    return {
      payload: {
        kind: 'sql',
        sql,
        ...(params === undefined ? {} : { params }),
        ...(into === undefined ? {} : { into }),
        ...(out === undefined ? {} : { out }),
        ...(checks.length === 0 ? {} : { checks: checks.map((check) => check.given) }),
      },
      connections: typeof connection === 'string' ? [connection] : [],
      keepsState: [],
      appends: [
        ...(target !== undefined && addsRows(target) ? [nameOfTarget(target)] : []),
        ...(target === undefined && /^(\s|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)*insert\b/i.test(sql) ? ['INSERT'] : []),
      ],
    };
  }

  async #configureTarget(target: JsonObject, key: 'into' | 'out', value: JsonObject, document: ConfigDocument, scope: SectionScope): Promise<void> {
    const { project } = this.#options;
    const written = typeof value[key] !== 'string';
    // A text stands for the whole section: all problems are at its place.
    const layer = layerAt(target, written ? document.locate : () => document.locate([key]), [key]);
    const section = key === 'into' ? { ...layer, value: { type: 'warehouse', ...target } } : withConnection(layer, project, scope.problems);
    const output = await configureOutput(section, scope, project);
    this.#refuseSecrets(output?.config, target, [key], document, scope.problems);
  }

  #outSection(value: JsonObject, document: ConfigDocument, problems: ConfigError[]): JsonObject | undefined {
    const { out } = value;
    if (out === undefined) return undefined;
    if (Array.isArray(out)) {
      problems.push(
        makeProblem({
          code: 'CONFIG_WRONG_TYPE',
          text: 'expected one target, found a list',
          where: document.locate(['out']),
          hint: 'load the result with `into`, and send the table with one schedule for each target',
        }),
      );
      return undefined;
    }
    if (typeof out !== 'string') return out as JsonObject;
    const { readTarget } = this.#options;
    try {
      if (readTarget) return readTarget(out);
    } catch (error) {
      addProblems(error, problems, (message, hint) =>
        makeProblem({ code: (error as SluiceError).code, text: message, where: document.locate(['out']), hint, cause: error }),
      );
      return undefined;
    }
    problems.push(
      makeProblem({
        code: 'CONFIG_WRONG_TYPE',
        text: 'expected a mapping',
        where: document.locate(['out']),
        hint: 'write out: {connection: NAME, ...}',
      }),
    );
    return undefined;
  }

  async #sqlFile(value: JsonObject, document: ConfigDocument, problems: ConfigError[]): Promise<string | undefined> {
    const name = String(value['sql_file']);
    const path = this.#below(name, 'sql_file', document, problems);
    if (path === undefined) return undefined;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      const cause = fileSystemError(error, `reading ${name}`);
      problems.push(
        makeProblem({
          code: 'CONFIG_NOT_FOUND',
          text: `cannot read ${name}`,
          where: document.locate(['sql_file']),
          hint: 'paths start at the project root, such as sql/daily.sql',
          cause,
        }),
      );
      return undefined;
    }
  }

  /** The absolute path of a file of the project. */
  #below(file: string, key: string, document: ConfigDocument, problems: ConfigError[]): string | undefined {
    const { root } = this.#options.project;
    const path = resolve(root, file);
    const below = relative(root, path);
    if (below !== '' && !isAbsolute(below) && below.split(sep)[0] !== '..') return path;
    problems.push(
      makeProblem({
        code: 'CONFIG_VALUE',
        text: 'expected a file of the project, found a path that leaves it',
        where: document.locate([key]),
        hint: 'paths start at the project root',
      }),
    );
    return undefined;
  }

  /** What stands in a schedule is stored with its jobs, so secrets stay in sluice.yml. */
  #refuseSecrets(
    config: JsonObject | undefined,
    section: { readonly [key: string]: unknown } | undefined,
    path: ConfigPath,
    document: ConfigDocument,
    problems: ConfigError[],
  ): void {
    for (const key of Object.keys(section ?? {})) {
      if (!holdsSecret(config?.[key])) continue;
      problems.push(
        makeProblem({
          code: 'SCHEDULE_SECRET',
          text: 'a schedule holds no secrets',
          where: document.locate([...path, key], 'key'),
          hint: 'put it into a connection of sluice.yml and write connection: NAME here, or use a pipeline file',
        }),
      );
    }
  }

  #load(path: string): Promise<readonly PipelineDraft[]> {
    const known = this.#files.get(path);
    if (known) return known;
    const { rewrite } = this.#options;
    const loading = loadPipelines(path, { ...this.#pipelineOptions(), ...(rewrite ? { rewrite } : {}) });
    this.#files.set(path, loading);
    return loading;
  }

  #pipelineOptions() {
    const { project, registry, env, cwd } = this.#options;
    return { project, registry, env, cwd, scheduledTime: SOME_TIME };
  }

  #scope(problems: ConfigError[]): SectionScope {
    const { project, registry, env } = this.#options;
    return { registry, problems, references: { env, root: project.root, commands: () => false, tokens: NO_SECRET_TOKENS, scheduledTime: SOME_TIME } };
  }
}

function intoSection(value: JsonObject): JsonObject | undefined {
  const { into, mode } = value;
  if (typeof into === 'string') return { table: into, ...(mode === undefined ? {} : { mode }) };
  return asNode(into) as JsonObject | undefined;
}

function factsOf(drafts: readonly PipelineDraft[]): Omit<ScheduleWork, 'payload'> {
  const connections = new Set<string>();
  const appends: string[] = [];
  for (const { definition } of drafts) {
    const outs = [definition['out']].flat() as (JsonValue | undefined)[];
    for (const section of [definition['in'], ...outs]) {
      const name = asNode(section)?.['connection'];
      if (typeof name === 'string') connections.add(name);
    }
    for (const out of outs) {
      const section = asNode(out) as JsonObject | undefined;
      if (section !== undefined && addsRows(section)) appends.push(nameOfTarget(section));
    }
  }
  return { connections: [...connections].sort(), appends, keepsState: drafts.filter(readsOnlyNew).map((draft) => draft.name) };
}

/** Whether a second load of the same rows leaves them in the target twice. */
function addsRows(out: JsonObject): boolean {
  const mode = out['mode'];
  return out['type'] !== 'null' && !(typeof mode === 'string' && /^(replace|truncate|merge|update)/.test(mode));
}

function nameOfTarget(out: JsonObject): string {
  const name = out['table'] ?? out['path'] ?? out['path_prefix'] ?? out['connection'] ?? out['type'];
  return typeof name === 'string' ? name : 'out';
}

/** Whether runs leave out what earlier ones have read. A range that is replaced reads its period instead. */
function readsOnlyNew(draft: PipelineDraft): boolean {
  const { plugin, config } = draft.input;
  const outputs = draft.routes?.map((route) => route.output) ?? [draft.output];
  if (outputs.every((output) => output?.config['replace_where'] !== undefined)) return false;
  if (plugin.form === 'files') return config['incremental'] !== false;
  if (plugin.nextState === undefined) return false;
  return config['incremental'] === true || config['incremental_columns'] !== undefined || config['incremental_column'] !== undefined;
}

function holdsSecret(value: unknown): boolean {
  if (value instanceof Secret) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsSecret);
}

/** The problems of an error of ours; anything else is thrown. */
function addProblems(error: unknown, problems: ConfigError[], place?: (message: string, hint: string | undefined) => ConfigError): void {
  if (error instanceof ConfigErrors) problems.push(...error.details);
  else if (error instanceof SluiceError && error.exitCode === 2) problems.push(place ? place(error.message, error.hint) : (error as ConfigError));
  else throw error;
}
