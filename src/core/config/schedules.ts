import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, didYouMean, fileSystemError, type ErrorPlace, type JsonObject, type JsonValue } from '../spi/index.js';
import type { PipelineOptions } from './pipeline.js';
import type { Registry } from '../registry/index.js';
import { parseCron } from '../schedule/cron-expression.js';
import { openZone } from '../schedule/zoned-time.js';
import { hashJson } from './config-hash.js';
import { readDocument, type ConfigDocument } from './document.js';
import type { Environment } from './environment.js';
import { asNode } from './json-schema.js';
import { makeProblem, throwProblems } from './problem.js';
import { displayPath, type ProjectConfig } from './project.js';
import type { ScheduleDefinition, ScheduleSla, ScheduleTimes } from './schedule-definition.js';
import { SCHEDULE_NAME, SCHEDULE_SCHEMA, SCHEDULES_FILE_SCHEMA } from './schedule-schema.js';
import { WorkReader, type ScheduleWork } from './schedule-work.js';
import { NO_SECRET_TOKENS } from './template.js';
import { validateSection } from './validate.js';

export interface ScheduleOptions {
  readonly registry: Registry;
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Default `process.cwd()`; messages name files from there. */
  readonly cwd?: string;
  /** The `out` section that a result URL such as `NAME:table?mode=merge` means; without it URLs are refused. */
  readonly readTarget?: (url: string) => JsonObject;
  /** As that of `loadPipelines`, for the pipeline files. */
  readonly rewrite?: PipelineOptions['rewrite'];
}

/**
 * The schedules of a project by name: `schedules:` of sluice.yml and the files `schedules/*.yml`. Reads the pipeline files that they
 * run, too. Throws ConfigErrors with every problem of every file.
 */
export async function loadSchedules(project: ProjectConfig, options: ScheduleOptions): Promise<readonly ScheduleDefinition[]> {
  const { registry, env = process.env, cwd = process.cwd(), readTarget, rewrite } = options;
  const problems: ConfigError[] = [];
  const entries = [...ownEntries(project), ...(await fileEntries(project, { env, cwd }, problems))];
  const reader = new ScheduleReader(project, env, new WorkReader({ project, registry, env, cwd, readTarget, rewrite }), problems);
  const definitions: ScheduleDefinition[] = [];
  const places = new Map<string, ErrorPlace>();
  for (const entry of entries) {
    const other = places.get(entry.name);
    if (other !== undefined) {
      problems.push(
        makeProblem({
          code: 'SCHEDULE_TWICE',
          text: `a schedule "${entry.name}" stands in ${other.file ?? 'sluice.yml'}, too`,
          where: entry.place,
          hint: 'names of schedules are unique in a project; rename one',
        }),
      );
      continue;
    }
    places.set(entry.name, entry.place);
    const definition = await reader.read(entry);
    if (definition) definitions.push(definition);
  }
  checkDependencies(definitions, new Set(places.keys()), problems);
  throwProblems(problems);
  return definitions.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A schedule as it is written; `document` has its keys at the top. */
interface Entry {
  readonly name: string;
  readonly place: ErrorPlace;
  readonly document: ConfigDocument;
}

function ownEntries(project: ProjectConfig): Entry[] {
  const file = project.file ?? join(project.root, 'sluice.yml');
  return Object.entries(project.schedules).map(([name, value]) => ({
    name,
    place: project.locate(['schedules', name], 'key'),
    document: {
      file,
      shown: file,
      value,
      secrets: NO_SECRET_TOKENS,
      locate: (path, part) => project.locate(['schedules', name, ...path], part),
    },
  }));
}

async function fileEntries(project: ProjectConfig, { env, cwd }: { env: Environment; cwd: string }, problems: ConfigError[]): Promise<Entry[]> {
  const folder = join(project.root, 'schedules');
  if (!existsSync(folder)) return [];
  const entries: Entry[] = [];
  for (const name of listFiles(folder)) {
    const file = join(folder, name);
    try {
      const document = await readDocument(file, { env }, displayPath(file, cwd));
      entries.push(...(await entriesOf(document, name.replace(/\.ya?ml$/, ''), project, env, problems)));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(error);
    }
  }
  return entries;
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^[^._].*\.ya?ml$/.test(name))
      .sort();
  } catch (error) {
    throw fileSystemError(error, `reading ${folder}`);
  }
}

async function entriesOf(
  document: ConfigDocument,
  fileName: string,
  project: ProjectConfig,
  env: Environment,
  problems: ConfigError[],
): Promise<Entry[]> {
  const root = asNode(document.value) as JsonObject | undefined;
  if (root === undefined || !Object.hasOwn(root, 'schedules')) return [{ name: fileName, place: document.locate([]), document }];
  const list = asNode(root['schedules']) as JsonObject | undefined;
  // Every schedule is judged by itself; here only what stands around them.
  const around = { ...root, ...(list === undefined ? {} : { schedules: {} }) };
  const scope = { env, root: project.root, commands: () => false, tokens: document.secrets, scheduledTime: undefined, locate: document.locate };
  problems.push(...(await validateSection(around, SCHEDULES_FILE_SCHEMA, scope)).problems);
  return Object.entries(list ?? {}).map(([name, value]) => ({
    name,
    place: document.locate(['schedules', name], 'key'),
    document: { ...document, value, locate: (path, part) => document.locate(['schedules', name, ...path], part) },
  }));
}

class ScheduleReader {
  readonly #project: ProjectConfig;
  readonly #env: Environment;
  readonly #work: WorkReader;
  readonly #problems: ConfigError[];

  constructor(project: ProjectConfig, env: Environment, work: WorkReader, problems: ConfigError[]) {
    this.#project = project;
    this.#env = env;
    this.#work = work;
    this.#problems = problems;
  }

  async read({ name, place, document }: Entry): Promise<ScheduleDefinition | undefined> {
    const before = this.#problems.length;
    const value = asNode(document.value) as JsonObject | undefined;
    if (value === undefined) return this.#fail('CONFIG_WRONG_TYPE', 'expected a mapping with cron: and what to run', document.locate([]), EXAMPLE);
    if (!new RegExp(SCHEDULE_NAME).test(name))
      this.#fail(
        'CONFIG_VALUE',
        `expected a name of A-Z, a-z, 0-9, _, - and ., found ${JSON.stringify(name)}`,
        place,
        'rename the schedule or its file',
      );
    const config = await this.#validate(value, document);
    if (config === undefined) return undefined;
    const times = this.#readTimes(config, document);
    const sla = this.#readSla(config, document);
    this.#checkNotify(config, document);
    if (config['overlap'] === 'cancel_previous' && config['catch_up'] === 'all')
      this.#fail(
        'SCHEDULE_OVERLAP',
        'catch_up: all wants every time to run, and cancel_previous ends all but the newest',
        document.locate(['overlap']),
        'use overlap: queue, or catch_up: latest',
      );
    const work = await this.#work.read(name, document, this.#problems);
    if (work && config['overlap'] === 'allow') this.#checkOverlap(work, document);
    if (times === undefined || work === undefined || this.#problems.length > before) return undefined;
    return define(name, place, config, { times, sla: sla ?? null }, work);
  }

  async #validate(value: JsonObject, document: ConfigDocument): Promise<JsonObject | undefined> {
    const skeleton = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, emptied(key, inner)]));
    const { config, problems } = await validateSection(skeleton, SCHEDULE_SCHEMA, {
      env: this.#env,
      root: this.#project.root,
      commands: () => false,
      tokens: document.secrets,
      // Filled when a job runs.
      scheduledTime: '{{ scheduled_time }}',
      locate: document.locate,
    });
    this.#problems.push(...problems);
    return problems.length > 0 ? undefined : config;
  }

  #readTimes(config: JsonObject, document: ConfigDocument): ScheduleTimes | undefined {
    const read = <T>(key: string, parse: (text: string) => T): T | undefined => {
      try {
        return parse(String(config[key]));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        const text = error.message.replace(/^(cron|timezone:) /, '');
        return this.#fail(error.code, text, document.locate([key]), error.hint);
      }
    };
    const cron = read('cron', parseCron);
    const zone = read('timezone', openZone);
    return cron && zone && { cron, zone };
  }

  #readSla(config: JsonObject, document: ConfigDocument): ScheduleSla | undefined {
    const given = config['sla'] as { readonly [key: string]: string | number } | undefined;
    if (given === undefined) return undefined;
    const read = (key: string): number | null => {
      const secs = given[key] === undefined ? null : secondsOf(given[key]);
      const least = key === 'finish_within' ? (config['delay_secs'] as number) : 0;
      if (secs !== null && (secs <= least || secs > LONGEST_SLA_SECS))
        this.#fail(
          'CONFIG_VALUE',
          `expected ${least > 0 ? `more than the delay_secs of ${least} seconds` : 'more than 0'} and at most a year, found ${given[key]}`,
          document.locate(['sla', key]),
          least > 0 ? 'it counts from the nominal time, not from the start' : 'such as 90m, 2h or 1d',
        );
      return secs;
    };
    return { finishWithinSecs: read('finish_within'), maxAgeSecs: read('max_age') };
  }

  #checkNotify(config: JsonObject, document: ConfigDocument): void {
    const known = Object.keys(this.#project.serve.notify);
    for (const [i, name] of (config['notify'] as readonly string[]).entries())
      if (!known.includes(name))
        this.#fail(
          'CONFIG_VALUE',
          `no target "${name}" in serve.notify of sluice.yml${didYouMean(name, known)}`,
          document.locate(['notify', i]),
          `known targets: ${known.join(', ') || 'none'}`,
        );
  }

  #checkOverlap({ keepsState }: ScheduleWork, document: ConfigDocument): void {
    if (keepsState.length === 0) return;
    this.#fail(
      'SCHEDULE_OVERLAP',
      `${keepsState.join(', ')} keeps a state, so that two jobs at once would load the same rows twice`,
      document.locate(['overlap']),
      'use overlap: skip or queue, or load each period with mode: replace and replace_where',
    );
  }

  #fail(code: string, text: string, where: ErrorPlace, hint: string | undefined): undefined {
    this.#problems.push(makeProblem({ code, text, where, hint }));
    return undefined;
  }
}

const EXAMPLE = "such as {cron: '30 2 * * *', timezone: Asia/Tokyo, pipeline: pipelines/orders.yml}";

/** Sections below a schedule are for their plugins to judge. */
function emptied(key: string, value: JsonValue): JsonValue {
  if (!['in', 'filters', 'out', 'exec', 'checks', 'params', 'into'].includes(key)) return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => (asNode(item) ? {} : item));
  return asNode(value) ? {} : value;
}

const LONGEST_SLA_SECS = 366 * 86_400;
const UNIT_SECS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90m` and 5400 are the same. */
function secondsOf(given: string | number): number {
  if (typeof given === 'number') return given;
  const text = given.trim();
  return Number(text.slice(0, -1)) * UNIT_SECS[text.slice(-1) as keyof typeof UNIT_SECS];
}

const RETRY_WAITS = { initialWaitSecs: 30, maxWaitSecs: 3600 };

function define(
  name: string,
  place: ErrorPlace,
  config: JsonObject,
  { times, sla }: { readonly times: ScheduleTimes; readonly sla: ScheduleSla | null },
  work: ScheduleWork,
): ScheduleDefinition {
  const retries = config['retries'] as number | { readonly limit: number; readonly initial_wait_secs?: number; readonly max_wait_secs?: number };
  const dependsOn = config['depends_on'] as string | readonly string[] | undefined;
  const { cron, timezone, delay_secs: delay } = config as { cron: string; timezone: string; delay_secs: number };
  const enabled = config['enabled'] as boolean;
  return {
    name,
    place,
    cron,
    timezone,
    times,
    delaySecs: delay,
    catchUp: config['catch_up'] as ScheduleDefinition['catchUp'],
    overlap: config['overlap'] as ScheduleDefinition['overlap'],
    timeoutSecs: (config['timeout_secs'] as number | undefined) ?? null,
    retries:
      typeof retries === 'number'
        ? { limit: retries, ...RETRY_WAITS }
        : // Defaults within alternatives are not filled in by validation.
          {
            limit: retries.limit,
            initialWaitSecs: retries.initial_wait_secs ?? RETRY_WAITS.initialWaitSecs,
            maxWaitSecs: retries.max_wait_secs ?? RETRY_WAITS.maxWaitSecs,
          },
    dependsOn: dependsOn === undefined ? [] : typeof dependsOn === 'string' ? [dependsOn] : dependsOn,
    enabled,
    priority: config['priority'] as number,
    tags: config['tags'] as readonly string[],
    sla,
    // What is disabled promises nothing, and starts anew when it is enabled.
    slaHash: sla === null || !enabled ? '' : hashJson({ cron, timezone, delay, sla: { ...sla } }),
    notify: config['notify'] as readonly string[],
    ...work,
    hash: hashJson({ config, payload: work.payload }),
    timesHash: hashJson({ cron, timezone, delay }),
  };
}

function checkDependencies(definitions: readonly ScheduleDefinition[], names: ReadonlySet<string>, problems: ConfigError[]): void {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const wrong = (definition: ScheduleDefinition, text: string, hint: string): void =>
    void problems.push(makeProblem({ code: 'SCHEDULE_DEPENDENCY', text: `depends_on: ${text}`, where: definition.place, hint }));
  const settled = new Set<string>();
  const visit = (definition: ScheduleDefinition, above: readonly string[]): void => {
    if (settled.has(definition.name)) return;
    const path = [...above, definition.name];
    for (const name of definition.dependsOn) {
      const other = byName.get(name);
      if (!names.has(name))
        wrong(definition, `no schedule "${name}"${didYouMean(name, names)}`, `known schedules: ${[...names].slice(0, 20).join(', ')}`);
      else if (path.includes(name))
        wrong(definition, `${[...path.slice(path.indexOf(name)), name].join(' → ')} wait for each other`, 'take one of them out');
      else if (other) visit(other, path);
    }
    settled.add(definition.name);
  };
  for (const definition of definitions) visit(definition, []);
}
