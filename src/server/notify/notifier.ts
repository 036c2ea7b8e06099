import type { NotifyEvent, NotifyTarget, ProjectConfig, ScheduleDefinition } from '../../core/config/index.js';
import { revealSecret, SluiceError, type Clock, type JobStore, type Logger } from '../../core/spi/index.js';
import type { EndedTry } from '../runner/job-runner.js';
import { bodyOf } from './message.js';
import { sendJson } from './send-json.js';

export interface NotifierOptions {
  readonly store: Pick<JobStore, 'listJobs'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
  project(): ProjectConfig;
  schedules(): readonly ScheduleDefinition[];
}

const MOST_TRIES = 6;
const FIRST_WAIT_MS = 1000;
const CLOSE_MS = 5000;

/** Tells the project's people how jobs ended. A message that nobody takes is tried again for a while, then logged. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #sending = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  async onEnd(end: EndedTry): Promise<void> {
    const targets = this.#targetsOf(end);
    if (targets.length === 0) return;
    const events = await this.#eventsOf(end);
    for (const [name, target] of targets) {
      const event = events.find((each) => target.on.includes(each));
      if (event === undefined) continue;
      const sending = this.#send(name, target, event, end).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
  }

  /** Waits a little for what is on its way. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(new Error('stopping')), CLOSE_MS);
    await Promise.all(this.#sending);
    clearTimeout(timer);
  }

  #targetsOf({ job }: EndedTry): readonly (readonly [string, NotifyTarget])[] {
    const all = Object.entries(this.#options.project().serve.notify);
    const schedule = (job.payload as { schedule?: string }).schedule;
    // Somebody waits for the answer of an ad hoc statement anyway.
    if (schedule === undefined && (job.kind === 'sql' || job.kind === 'export')) return [];
    const named = this.#options.schedules().find(({ name }) => name === schedule)?.notify ?? [];
    return all.filter(([name, target]) => (named.length > 0 ? named.includes(name) : target.everything));
  }

  /** The most telling first. */
  async #eventsOf({ job, status, error, again }: EndedTry): Promise<readonly NotifyEvent[]> {
    if (again || status === 'killed') return [];
    if (status === 'error') return error?.code === 'TOO_MANY_REJECTS' ? ['rejects', 'failure'] : ['failure'];
    const earlier = await this.#options.store.listJobs({ name: job.name, before: job.id, limit: 20 });
    const last = earlier.find((each) => each.status === 'success' || each.status === 'error');
    return last?.status === 'error' ? ['recovery'] : [];
  }

  async #send(name: string, target: NotifyTarget, event: NotifyEvent, end: EndedTry): Promise<void> {
    const { clock, log, project } = this.#options;
    const body = bodyOf(target, event, end, project().name);
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendJson(await revealSecret(target.url), `serve.notify.${name}`, body);
      } catch (error) {
        const again = error instanceof SluiceError && error.retryable && attempt < MOST_TRIES && !this.#stop.signal.aborted;
        if (!again) {
          const code = error instanceof SluiceError ? error.code : 'UNEXPECTED';
          return log.log('error', `a message could not be sent: ${(error as Error).message}`, { code, job: end.job.id, event });
        }
        await clock.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1), this.#stop.signal).catch(() => undefined);
      }
    }
  }
}
