import type { Environment } from '../cli/environment.js';
import { describeHolder, type Session, type SessionContext } from '../cli/session.js';
import { ConflictError, SluiceError, type Logger, type NewMessage, type ServerRegistration } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import type { Gauge, HttpServer } from './http/index.js';
import { loadServed, reloadServed, type Served } from './load-served.js';
import { Notifier } from './notify/notifier.js';
import { ProjectWatch } from './project-watch.js';
import { JobRunner, type EndedTry } from './runner/job-runner.js';
import { WorkerPool } from './runner/worker-pool.js';
import { startHeartbeat } from './schedule/heartbeat.js';
import { createScheduler, type Scheduler, type TickReport } from './schedule/scheduler.js';
import { SlaWatch } from './schedule/sla-watch.js';
import type { ServeTraces } from './telemetry/open-tracing.js';
import { Upkeep } from './upkeep.js';
import { WakeUp } from './wake-up.js';

export interface ServeOptions {
  /** Of the project; closed at the end. */
  readonly session: Session;
  /** Reads the project anew for `reload`. */
  readonly context: SessionContext;
  readonly environment: Pick<Environment, 'env' | 'cwd' | 'clock'>;
  readonly log: Logger;
  /** Aborted: drain and end. */
  readonly signal: AbortSignal;
  /** Traces of jobs and requests; the caller's to close. */
  readonly traces?: ServeTraces | undefined;
  /** Once all is up; `address` is that of the HTTP API. */
  onStart(up: { readonly workers: number; readonly schedules: number; readonly address: string | undefined }): void;
}

const POLL_MS = 1000;
const RELOAD_EVERY_MS = 2000;
const MOST_BACKOFF_MS = 30_000;
/** A registration that was lost is up to others: its jobs must end before they start there. */
const LOST_GRACE_MS = 1000;
const DRAIN_GRACE_MS = 5000;

/** Schedules, runs and keeps up the jobs of a project until the signal aborts; then drains. Errors: ConflictError SERVE_RUNNING. */
export async function serve(options: ServeOptions): Promise<void> {
  const { session, environment } = options;
  try {
    const store = await session.metastore();
    const registration = await register(store);
    let server: Server | undefined;
    try {
      server = new Server(options, store, registration, await loadServed(session, { environment }));
      await server.run();
    } finally {
      await (server ? server.release() : registration.release());
    }
  } finally {
    await session.close();
  }
}

class Server {
  readonly #options: ServeOptions;
  readonly #store: Metastore;
  readonly #pool: WorkerPool;
  readonly #runner: JobRunner;
  readonly #scheduler: Scheduler;
  readonly #slas: SlaWatch;
  readonly #notifier: Notifier;
  readonly #upkeep: Upkeep;
  readonly #watch: ProjectWatch;
  readonly #wakeUp = new WakeUp();
  #served: Served;
  #synced = false;
  #registration: ServerRegistration;
  #nextReload = 0;
  #failures = 0;

  constructor(options: ServeOptions, store: Metastore, registration: ServerRegistration, served: Served) {
    const { environment, log } = options;
    const { clock } = environment;
    const { root, serve } = served.project;
    this.#options = options;
    this.#store = store;
    this.#served = served;
    this.#registration = registration;
    this.#pool = new WorkerPool({
      root,
      env: environment.env,
      size: serve.workers,
      memoryBytes: serve.workerMemoryBytes,
      spans: options.traces?.sink,
    });
    this.#runner = new JobRunner({
      store,
      pool: this.#pool,
      traces: options.traces?.jobs,
      clock,
      log,
      limits: () => new Map(Object.entries(this.#served.project.serve.connections)),
      messagesOf: (end) => this.#messagesOf(end),
      onEnd: () => this.#notifier.deliver(),
      onFree: () => this.#wakeUp.wake(),
    });
    this.#scheduler = createScheduler({ store, definitions: () => this.#served.schedules, clock, log });
    this.#slas = new SlaWatch({ store, definitions: () => this.#served.schedules, tell: (event) => this.#notifier.messagesOfSla(event) });
    this.#notifier = new Notifier({ store, clock, log, project: () => this.#served.project, schedules: () => this.#served.schedules });
    this.#upkeep = new Upkeep(store, clock, log);
    this.#watch = new ProjectWatch(root);
    this.#watchRegistration(registration);
  }

  async run(): Promise<void> {
    const { log, signal, onStart } = this.#options;
    await this.#watch.changed();
    const http = await this.#startHttp();
    const heartbeat = await startHeartbeat({ tick: () => this.#tick() }, log);
    try {
      onStart({ workers: this.#served.project.serve.workers, schedules: this.#served.schedules.length, address: http?.address });
      while (!signal.aborted) await this.#step();
      await heartbeat.stop();
      await this.#drain();
    } finally {
      await heartbeat.stop();
      await http?.close();
      await this.#pool.close();
      await this.#notifier.close();
    }
  }

  async release(): Promise<void> {
    try {
      await this.#registration.release();
    } catch (error) {
      this.#options.log.log('warn', 'the registration could not be given back; it runs out within 30 seconds', { error: (error as Error).message });
    }
  }

  async #startHttp(): Promise<HttpServer | undefined> {
    const { project } = this.#served;
    const { http, resultRetentionMs } = project.serve;
    if (!http.enabled) return undefined;
    const [{ startHttp }, { version }] = await Promise.all([import('./http/index.js'), import('../cli/version.js')]);
    const { session, environment, log, traces } = this.#options;
    return startHttp({
      config: http,
      root: project.root,
      version: await version(),
      store: this.#store,
      warehouse: await session.warehouse(),
      schedules: () => this.#served.schedules,
      pipelines: () => this.#served.pipelines,
      clock: environment.clock,
      log,
      traces: traces?.requests,
      keepResultMs: resultRetentionMs,
      enqueue: async (job) => {
        const id = await this.#store.addJob(traces?.jobs.remember(job) ?? job);
        this.#wakeUp.wake();
        return id;
      },
      notReady: () => this.#notReady(),
      gauges: () => Promise.resolve(this.#gauges()),
    });
  }

  #notReady(): string | undefined {
    if (this.#options.signal.aborted) return 'draining';
    if (this.#registration.lost.aborted) return 'not registered with the metastore';
    return this.#failures > 0 ? 'the metastore does not answer' : undefined;
  }

  #gauges(): readonly Gauge[] {
    return [
      { name: 'sluice_serve_workers', help: 'Jobs that this process may run at a time.', samples: [{ value: this.#served.project.serve.workers }] },
      { name: 'sluice_serve_running_jobs', help: 'Jobs that this process runs.', samples: [{ value: this.#runner.running }] },
    ];
  }

  /** Jobs of a schedule are made only by who may work on them. */
  async #tick(): Promise<TickReport> {
    if (this.#notReady() !== undefined) return { firings: 0, jobs: 0, more: false };
    if (!this.#synced) await this.#scheduler.sync();
    this.#synced = true;
    const report = await this.#scheduler.tick();
    if (report.jobs > 0) this.#wakeUp.wake();
    if (!report.more) await this.#checkSlas();
    return report;
  }

  async #checkSlas(): Promise<void> {
    const events = await this.#slas.check();
    for (const event of events) {
      const { miss, promise } = event.sla;
      this.#options.log.log(event.event === 'sla_missed' ? 'warn' : 'info', event.event === 'sla_missed' ? 'sla missed' : 'sla met late', {
        schedule: miss.schedule,
        promise,
        deadline: new Date(miss.deadline).toISOString(),
      });
    }
    if (events.length > 0) this.#notifier.deliver();
  }

  async #step(): Promise<void> {
    const { signal, log } = this.#options;
    let wait = POLL_MS;
    try {
      const registration = await this.#registered();
      await this.#reloadWhenChanged();
      await this.#runner.compare(registration);
      await this.#runner.claim(registration);
      await this.#upkeep.runWhenDue(this.#served.project);
      this.#notifier.deliverWhenDue();
      if (this.#failures > 0) log.log('info', 'the metastore answers again', { failures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      wait = Math.min(MOST_BACKOFF_MS, POLL_MS * 2 ** this.#failures++);
      const problem = error instanceof SluiceError ? { code: error.code, error: error.message } : { error: (error as Error).message };
      log.log('error', `trying again in ${Math.ceil(wait / 1000)} s`, problem);
      if (this.#failures > 1) return this.#options.environment.clock.sleep(wait, signal).catch(() => undefined);
    }
    await this.#wakeUp.wait(wait, signal);
  }

  /** Its registration, made anew where it was lost. */
  async #registered(): Promise<ServerRegistration> {
    if (!this.#registration.lost.aborted) return this.#registration;
    this.#runner.stopAll('lost', LOST_GRACE_MS);
    await this.#runner.idle();
    this.#registration = await register(this.#store);
    this.#watchRegistration(this.#registration);
    this.#options.log.log('info', 'registered again');
    return this.#registration;
  }

  #watchRegistration(registration: ServerRegistration): void {
    registration.lost.addEventListener('abort', () => {
      if (this.#registration !== registration) return;
      this.#options.log.log('error', 'the registration with the metastore was lost: running jobs are left to other processes', {
        jobs: this.#runner.running,
      });
      this.#runner.stopAll('lost', LOST_GRACE_MS);
    });
  }

  /** A project that has become wrong keeps running as it was. */
  async #reloadWhenChanged(): Promise<void> {
    const { environment, context, log } = this.#options;
    if (environment.clock.now() < this.#nextReload) return;
    this.#nextReload = environment.clock.now() + RELOAD_EVERY_MS;
    if (!(await this.#watch.changed())) return;
    try {
      const before = this.#served.project.serve.http;
      this.#served = await reloadServed(this.#served, { context, environment });
      const { workers, workerMemoryBytes } = this.#served.project.serve;
      this.#pool.renew({ size: workers, memoryBytes: workerMemoryBytes });
      this.#synced = false;
      log.log('info', 'the changed config is in use', { schedules: this.#served.schedules.length });
      if (JSON.stringify(this.#served.project.serve.http) !== JSON.stringify(before))
        log.log('warn', 'serve.http has changed, which needs a new start: the HTTP API goes on as it was');
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const { file, line } = error.where;
      const place = file === undefined || error.message.startsWith(file) ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
      log.log('error', `the changed config is wrong, and the former one stays in use: ${place}${error.message}`, { code: error.code });
    }
  }

  /** A message that cannot be made must not cost a job its end. */
  async #messagesOf(end: EndedTry): Promise<readonly NewMessage[]> {
    try {
      return await this.#notifier.messagesOfEnd(end);
    } catch (error) {
      if (error instanceof SluiceError && error.retryable) throw error;
      this.#options.log.log('warn', 'the end of a job is not told', { job: end.job.id, error: (error as Error).message });
      return [];
    }
  }

  async #drain(): Promise<void> {
    const { log, environment } = this.#options;
    const { clock } = environment;
    const runner = this.#runner;
    const { drainSecs } = this.#served.project.serve;
    if (runner.running > 0) log.log('info', `draining: waiting up to ${drainSecs} s for running jobs`, { jobs: runner.running });
    const until = clock.now() + drainSecs * 1000;
    while (runner.running > 0 && clock.now() < until) {
      await this.#wakeUp.wait(Math.min(POLL_MS, until - clock.now()));
      try {
        await runner.compare(this.#registration);
      } catch (error) {
        log.log('warn', 'kills could not be read', { error: (error as Error).message });
      }
    }
    if (runner.running > 0) log.log('info', 'giving back jobs that have not ended', { jobs: runner.running });
    runner.stopAll('drain', DRAIN_GRACE_MS);
    await runner.idle();
  }
}

async function register(store: Metastore): Promise<ServerRegistration> {
  try {
    return await store.registerServer(describeHolder());
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'LEASE_HELD') throw error;
    throw new ConflictError({
      code: 'SERVE_RUNNING',
      message: `another sluice serve works on this project: ${error.message}`,
      hint: 'with a SQLite metastore there is one at a time; several share the work with metastore: {type: postgresql}',
      cause: error,
    });
  }
}
