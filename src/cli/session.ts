import { hostname, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import type { PipelineConfig, PipelineDraft, ProjectConfig } from '../core/config/index.js';
import type { Pipeline, SourcePipeline } from '../core/engine/pipeline.js';
import type { EngineServices } from '../core/engine/services.js';
import type { RunEvent } from '../core/engine/events.js';
import type { Registry } from '../core/registry/index.js';
import type { Tracer } from '../core/telemetry/index.js';
import type { Metastore } from '../metastore/types.js';
import type { Warehouse } from '../warehouse/index.js';
import { BugError, ConfigError, type Secret } from '../core/spi/index.js';
import { text, type CommandContext } from './command.js';
import type { Environment } from './environment.js';
import type { Output } from './output.js';
import { sqlLimits } from './sql-limits.js';

const DEFAULT_MEMORY = 1_000_000_000;

/** What a session takes from its surroundings: the command line's, or those of a worker process. */
export interface SessionContext {
  readonly environment: Pick<Environment, 'clock' | 'random' | 'reach'>;
  readonly out: Pick<Output, 'say' | 'hide' | 'print' | 'logger'>;
  readonly signal: AbortSignal;
  /** Makes spans of runs and statements. */
  readonly tracer?: Tracer | undefined;
}

/** What a verb works with: the project, its plugins, its metastore and its warehouse, each opened when first needed. */
export class Session {
  readonly project: ProjectConfig;
  readonly registry: Registry;
  readonly #context: SessionContext;
  #metastore: Promise<Metastore> | undefined;
  #warehouse: Promise<Warehouse> | undefined;

  constructor(context: SessionContext, project: ProjectConfig, registry: Registry) {
    this.#context = context;
    this.project = project;
    this.registry = registry;
  }

  metastore(): Promise<Metastore> {
    if (this.#metastore) return this.#metastore;
    const opening = this.#openMetastore();
    this.#metastore = opening;
    // A process that lives on must find it once it is there again.
    opening.catch(() => (this.#metastore = undefined));
    return opening;
  }

  warehouse(): Promise<Warehouse> {
    if (this.#warehouse) return this.#warehouse;
    const opening = this.#openWarehouse();
    this.#warehouse = opening;
    opening.catch(() => (this.#warehouse = undefined));
    return opening;
  }

  async close(): Promise<void> {
    if (this.#warehouse) await (await this.#warehouse).closeSql();
    if (this.#metastore) await (await this.#metastore).close();
  }

  async pipeline(config: PipelineConfig): Promise<Pipeline> {
    const { routes, unmatched } = config;
    const output = routes === undefined ? config.output : (await import('../core/engine/many-outputs.js')).combineOutputs(routes, unmatched);
    return { ...(await this.source(config)), output, hash: config.hash };
  }

  /** A pipeline, or one for each stream where its input names several. */
  async pipelines(config: PipelineConfig): Promise<readonly Pipeline[]> {
    const pipeline = await this.pipeline(config);
    if (pipeline.input.plugin.form !== 'tasks' || !pipeline.input.plugin.streams) return [pipeline];
    const { expandStreams } = await import('../core/engine/streams.js');
    const { environment, out, signal } = this.#context;
    return expandStreams(pipeline, {
      signal,
      log: out.logger,
      clock: environment.clock,
      root: pipeline.root,
      tempDir: join(pipeline.root, '.sluice', 'tmp'),
      reach: (point) => environment.reach(point),
      resource: (name) => this.resource(name),
    });
  }

  /** A pipeline without its output, as previews need it. */
  async source(config: PipelineDraft): Promise<SourcePipeline> {
    const known = await this.registry.all('decoder');
    const { exec } = config;
    return {
      ...config,
      knownDecoders: known.map((plugin) => ({ plugin, config: {}, place: { at: () => ({}) } })),
      exec: {
        maxThreads: exec.maxThreads,
        memoryLimit: exec.memoryLimitBytes ?? DEFAULT_MEMORY,
        maxRejects: exec.maxRejects.unit === 'rows' ? { rows: exec.maxRejects.limit } : { percent: exec.maxRejects.limit },
        tempDir: exec.tempDir === undefined ? undefined : isAbsolute(exec.tempDir) ? exec.tempDir : join(config.root, exec.tempDir),
        segmentSizeBytes: exec.segmentSizeBytes,
        retry: { limit: exec.retry.limit, initialWaitMs: exec.retry.initialWaitSecs * 1000, maxWaitMs: exec.retry.maxWaitSecs * 1000 },
      },
    };
  }

  async services(onEvent: (event: RunEvent) => void): Promise<EngineServices> {
    const { environment, out, signal } = this.#context;
    return {
      store: await this.metastore(),
      clock: environment.clock,
      log: out.logger,
      signal,
      holder: describeHolder(),
      random: environment.random,
      reach: (point) => environment.reach(point),
      onEvent,
      resource: (name) => this.resource(name),
      ...(await this.#watching(onEvent)),
    };
  }

  async #watching(onEvent: (event: RunEvent) => void): Promise<Partial<EngineServices>> {
    const { tracer } = this.#context;
    if (!tracer) return {};
    const { createStepTracer, traceRunEvent } = await import('../server/telemetry/trace-runs.js');
    const watch = (event: RunEvent): void => {
      traceRunEvent(tracer, event);
      onEvent(event);
    };
    return { observe: createStepTracer(tracer), onEvent: watch };
  }

  async resource(name: string): Promise<unknown> {
    if (name === 'warehouse') return this.warehouse();
    if (name === 'rejects') return (await import('../warehouse/index.js')).createRejectStore(await this.warehouse());
    if (name === 'stdout') return this.#stdout();
    throw new BugError({ code: 'RESOURCE_MISSING', message: `no resource named ${name} is offered` });
  }

  /** Standard output for plugins; a chunk is taken when the reader keeps up. */
  #stdout(): Writable {
    const { out } = this.#context;
    return new Writable({ write: (chunk: Uint8Array, _encoding, done) => void out.print(chunk).then(() => done(), done) });
  }

  async #openMetastore(): Promise<Metastore> {
    const { openMetastore } = await import('../metastore/index.js');
    const { project } = this;
    if (project.isNew) this.#context.out.say(`new project in ${project.root} (.sluice/)`);
    if (project.metastore.type === 'sqlite') return openMetastore({ url: `sqlite:${project.metastore.path}`, catalogName: project.catalog });
    const { url, host, port, database, user, password } = project.metastore;
    const given = url === undefined ? undefined : await revealUrl(url);
    const built =
      given?.url ??
      `postgresql://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${host ?? 'localhost'}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(database ?? '')}`;
    const secret = password === undefined ? given?.password : await password.reveal();
    if (secret !== undefined) this.#context.out.hide([secret]);
    return openMetastore({ url: built, catalogName: project.catalog, ...(secret === undefined ? {} : { password: secret }) });
  }

  async #openWarehouse(): Promise<Warehouse> {
    const { openWarehouse } = await import('../warehouse/index.js');
    const { environment, out, tracer } = this.#context;
    const warehouse = openWarehouse({
      metastore: await this.metastore(),
      root: this.project.storage.uri,
      clock: environment.clock,
      log: out.logger,
      maintain: this.project.maintain,
      sql: sqlLimits(this.project),
    });
    return tracer ? (await import('../server/telemetry/trace-sql.js')).traceSql(warehouse, tracer) : warehouse;
  }
}

/** Opens the project of `near` (a pipeline file or folder; default: `--project` or the working folder). */
export async function openSession(context: CommandContext, near?: string): Promise<Session> {
  const { environment, options } = context;
  const folder = text(options, 'project') ?? near ?? environment.cwd;
  return openSessionAt(context, resolve(environment.cwd, folder), environment);
}

/** Opens the project of an absolute path. */
export async function openSessionAt(context: SessionContext, path: string, { env, cwd }: Pick<Environment, 'env' | 'cwd'>): Promise<Session> {
  const { loadProject } = await import('../core/config/index.js');
  const { createRegistry } = await import('../core/registry/index.js');
  const { BUILTIN_PLUGINS } = await import('../plugins/builtins.js');
  const project = await loadProject(path, { env, cwd });
  return new Session(context, project, createRegistry({ builtins: BUILTIN_PLUGINS, project }));
}

/** Runs `work` with a session that is closed afterwards. */
export async function withSession<T>(context: CommandContext, near: string | undefined, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(context, near);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

async function revealUrl(secret: Secret): Promise<{ url: string; password: string | undefined }> {
  const full = await secret.reveal();
  if (!URL.canParse(full))
    throw new ConfigError({
      code: 'METASTORE_URL',
      message: 'metastore.url: expected postgresql://user@host/database',
      hint: 'check the value in sluice.yml',
    });
  const url = new URL(full);
  const password = url.password === '' ? undefined : decodeURIComponent(url.password);
  url.password = '';
  return { url: url.href, password };
}

/** Who runs, for messages about leases. */
export function describeHolder(): string {
  let user = 'unknown';
  try {
    user = userInfo().username;
  } catch {
    // A uid without a passwd entry (containers) has no name.
    user = String(process.getuid?.() ?? user);
  }
  return `${user}@${hostname()}`;
}
