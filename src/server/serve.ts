import { describeHolder, type Session } from '../cli/session.js';
import { ConflictError, SluiceError, type Clock, type Logger, type NewJob, type ServerRegistration } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import { JobRunner, type EndedTry } from './runner/job-runner.js';
import { WorkerPool } from './runner/worker-pool.js';
import { ProjectWatch } from './project-watch.js';
import { Upkeep } from './upkeep.js';
import { WakeUp } from './wake-up.js';

/** What a project says about serving, as it was last read without a problem. */
export interface Served {
  readonly session: Session;
  /** Turns due schedules into jobs. */
  tick(): Promise<void>;
  /** After a try of a job was recorded. */
  onEnd(end: EndedTry): Promise<void>;
}

export interface ServeOptions {
  /** Reads the project anew; throws where something is wrong with it. */
  load(store: Metastore | undefined): Promise<Served>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted: drain and end. */
  readonly signal: AbortSignal;
  /** Called once all is up; answers what to close first. */
  started(serve: Serving): Promise<{ close(): Promise<void> }>;
}

/** A `serve` that is up. */
export interface Serving {
  readonly store: Metastore;
  served(): Served;
  readonly running: number;
  readonly workers: number;
  /** Why it takes no work now. */
  notReady(): string | undefined;
  enqueue(job: NewJob): Promise<string>;
}

const POLL_MS = 1000;
const RELOAD_EVERY_MS = 2000;
const MOST_BACKOFF_MS = 30_000;
/** A registration that was lost is up to others: its jobs must end before they start there. */
const LOST_GRACE_MS = 1000;
const DRAIN_GRACE_MS = 5000;

/** Schedules, runs and keeps up the jobs of a project until the signal aborts; then drains. */
export async function serve(options: ServeOptions): Promise<void> {
  const server = new Server(options, await options.load(undefined));
  await server.run();
}

class Server implements Serving {
  readonly #options: ServeOptions;
  readonly #pool: WorkerPool;
  readonly #wakeUp = new WakeUp();
  readonly #watch: ProjectWatch;
  #served: Served;
  #store: Metastore | undefined;
  #runner: JobRunner | undefined;
  #registration: ServerRegistration | undefined;
  #upkeep: Upkeep | undefined;
  #nextReload = 0;
  #failures = 0;

  constructor(options: ServeOptions, served: Served) {
    this.#options = options;
    this.#served = served;
    const { root, serve } = served.session.project;
    this.#watch = new ProjectWatch(root);
    this.#pool = new WorkerPool({ root, env: options.env, size: serve.workers, memoryBytes: serve.workerMemoryBytes });
  }

  get store(): Metastore {
    if (!this.#store) throw new Error('the metastore is not open yet');
    return this.#store;
  }

  served(): Served {
    return this.#served;
  }

  get running(): number {
    return this.#runner?.running ?? 0;
  }

  get workers(): number {
    return this.#served.session.project.serve.workers;
  }

  notReady(): string | undefined {
    if (this.#options.signal.aborted) return 'draining';
    if (!this.#registration || this.#registration.lost.aborted) return 'not registered with the metastore';
    return this.#failures > 0 ? 'the metastore does not answer' : undefined;
  }

  async enqueue(job: NewJob): Promise<string> {
    const id = await this.store.addJob(job);
    this.#wakeUp.wake();
    return id;
  }

  async run(): Promise<void> {
    const { clock, log, signal } = this.#options;
    const { session } = this.#served;
    this.#store = await session.metastore();
    try {
      this.#registration = await register(this.store);
      this.#upkeep = new Upkeep(this.store, clock, log);
      this.#runner = new JobRunner({
        store: this.store,
        pool: this.#pool,
        clock,
        log,
        limits: () => new Map(Object.entries(this.#served.session.project.serve.connections)),
        onEnd: (end) => void this.#tellEnd(end),
        onFree: () => this.#wakeUp.wake(),
      });
      this.#watchRegistration(this.#registration, this.#runner);
      await this.#watch.changed();
      const front = await this.#options.started(this);
      try {
        while (!signal.aborted) await this.#step(this.#runner);
        await this.#drain(this.#runner);
      } finally {
        await front.close();
      }
    } finally {
      await this.#pool.close();
      await this.#release();
      await session.close();
    }
  }

  async #step(runner: JobRunner): Promise<void> {
    const { signal, log, clock } = this.#options;
    let wait = POLL_MS;
    try {
      const registration = await this.#registered(runner);
      await this.#reloadWhenChanged();
      await this.#served.tick();
      await runner.obeyKills(registration);
      await runner.claim(registration);
      await this.#upkeep?.runWhenDue(this.#served.session.project);
      if (this.#failures > 0) log.log('info', 'the metastore answers again', { failures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      wait = Math.min(MOST_BACKOFF_MS, POLL_MS * 2 ** this.#failures++);
      const problem = error instanceof SluiceError ? { code: error.code, error: error.message } : { error: (error as Error).message };
      log.log('error', `trying again in ${Math.ceil(wait / 1000)} s`, problem);
      if (this.#failures > 1) return clock.sleep(wait, signal).catch(() => undefined);
    }
    await this.#wakeUp.wait(wait, signal);
  }

  /** Its registration, made anew where it was lost. */
  async #registered(runner: JobRunner): Promise<ServerRegistration> {
    if (this.#registration && !this.#registration.lost.aborted) return this.#registration;
    runner.stopAll('lost', LOST_GRACE_MS);
    await runner.idle();
    this.#registration = await register(this.store);
    this.#watchRegistration(this.#registration, runner);
    this.#options.log.log('info', 'registered again');
    return this.#registration;
  }

  #watchRegistration(registration: ServerRegistration, runner: JobRunner): void {
    registration.lost.addEventListener('abort', () => {
      if (this.#registration !== registration) return;
      this.#options.log.log('error', 'the registration with the metastore was lost: running jobs are left to other processes', {
        jobs: runner.running,
      });
      runner.stopAll('lost', LOST_GRACE_MS);
    });
  }

  /** A project that has become wrong keeps running as it was. */
  async #reloadWhenChanged(): Promise<void> {
    const { clock, log } = this.#options;
    if (clock.now() < this.#nextReload) return;
    this.#nextReload = clock.now() + RELOAD_EVERY_MS;
    if (!(await this.#watch.changed())) return;
    try {
      const served = await this.#options.load(this.store);
      this.#served = served;
      const { workers, workerMemoryBytes } = served.session.project.serve;
      this.#pool.renew({ size: workers, memoryBytes: workerMemoryBytes });
      log.log('info', 'the changed config is in use');
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      log.log('error', `the changed config is wrong, and the former one stays in use: ${error.message}`, { code: error.code });
    }
  }

  async #tellEnd(end: EndedTry): Promise<void> {
    try {
      await this.#served.onEnd(end);
    } catch (error) {
      this.#options.log.log('warn', 'the end of a job could not be told', { job: end.job.id, error: (error as Error).message });
    }
  }

  async #drain(runner: JobRunner): Promise<void> {
    const { log, clock } = this.#options;
    const { drainSecs } = this.#served.session.project.serve;
    if (runner.running > 0) log.log('info', `draining: waiting up to ${drainSecs} s for running jobs`, { jobs: runner.running });
    const until = clock.now() + drainSecs * 1000;
    const registration = this.#registration;
    while (runner.running > 0 && clock.now() < until) {
      await this.#wakeUp.wait(Math.min(POLL_MS, until - clock.now()));
      if (registration)
        await runner
          .obeyKills(registration)
          .catch((error: unknown) => log.log('warn', 'kills could not be read', { error: (error as Error).message }));
    }
    if (runner.running > 0) log.log('info', 'giving back jobs that have not ended', { jobs: runner.running });
    runner.stopAll('drain', DRAIN_GRACE_MS);
    await runner.idle();
  }

  async #release(): Promise<void> {
    try {
      await this.#registration?.release();
    } catch (error) {
      this.#options.log.log('warn', 'the registration could not be given back; it runs out within 30 seconds', { error: (error as Error).message });
    }
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
