import type { NotifyTarget, ProjectConfig, ScheduleDefinition } from '../../core/config/index.js';
import { revealSecret, SluiceError, type Clock, type JobStore, type Logger } from '../../core/spi/index.js';
import type { EndedTry } from '../runner/job-runner.js';
import type { SlaEvent } from '../schedule/sla-watch.js';
import { mailOf } from './mail.js';
import { bodyOf } from './message.js';
import { factsOf, type News } from './news.js';
import { sendJson } from './send-json.js';
import { sendMail } from './send-mail.js';

export interface NotifierOptions {
  readonly store: Pick<JobStore, 'listJobs'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
  project(): ProjectConfig;
  schedules(): readonly ScheduleDefinition[];
}

/** Mail servers that put off strangers want to be asked again minutes later. */
const TRIES = { web: { most: 6, firstWaitMs: 1000 }, email: { most: 8, firstWaitMs: 5000 } } as const;
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
    const { job } = end;
    const { schedule } = job.payload as { schedule?: string };
    // Somebody waits for the answer of an ad hoc statement anyway.
    if (schedule === undefined && (job.kind === 'sql' || job.kind === 'export')) return;
    const targets = this.#targetsOf(schedule);
    if (targets.length > 0) this.#tell(targets, await this.#newsOf(end));
  }

  onSla(news: SlaEvent): void {
    this.#tell(this.#targetsOf(news.sla.miss.schedule), [news]);
  }

  /** Waits a little for what is on its way. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(new Error('stopping')), CLOSE_MS);
    await Promise.all(this.#sending);
    clearTimeout(timer);
  }

  #targetsOf(schedule: string | undefined): readonly (readonly [string, NotifyTarget])[] {
    const all = Object.entries(this.#options.project().serve.notify);
    const named = this.#options.schedules().find(({ name }) => name === schedule)?.notify ?? [];
    return all.filter(([name, target]) => (named.length > 0 ? named.includes(name) : target.everything));
  }

  /** The most telling first: each target gets one message. */
  #tell(targets: readonly (readonly [string, NotifyTarget])[], choices: readonly News[]): void {
    for (const [name, target] of targets) {
      const news = choices.find(({ event }) => target.on.includes(event));
      if (news === undefined) continue;
      const sending = this.#send(name, target, news).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
  }

  async #newsOf(end: EndedTry): Promise<readonly News[]> {
    const { job, status, error, again } = end;
    if (again || status === 'killed') return [];
    if (status === 'error') return [...(error?.code === 'TOO_MANY_REJECTS' ? [{ event: 'rejects', end } as const] : []), { event: 'failure', end }];
    const earlier = await this.#options.store.listJobs({ name: job.name, before: job.id, limit: 20 });
    const last = earlier.find((each) => each.status === 'success' || each.status === 'error');
    return last?.status === 'error' ? [{ event: 'recovery', end }] : [];
  }

  async #send(name: string, target: NotifyTarget, news: News): Promise<void> {
    const { clock, log } = this.#options;
    const { most, firstWaitMs } = TRIES[target.type === 'email' ? 'email' : 'web'];
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(`serve.notify.${name}`, target, news);
      } catch (error) {
        const again = error instanceof SluiceError && error.retryable && attempt < most && !this.#stop.signal.aborted;
        const facts = { code: error instanceof SluiceError ? error.code : 'UNEXPECTED', ...factsOf(news) };
        if (!again) return log.log('error', `a message could not be sent: ${(error as Error).message}`, facts);
        if (target.type === 'email' && attempt === 1) log.log('warn', `a message is sent again later: ${error.message}`, facts);
        await clock.sleep(firstWaitMs * 2 ** (attempt - 1), this.#stop.signal).catch(() => undefined);
      }
    }
  }

  async #sendOnce(place: string, target: NotifyTarget, news: News): Promise<void> {
    const project = this.#options.project();
    if (target.type === 'email') await sendMail(target, place, mailOf(news, project.name, target.subjectPrefix), project.root);
    else await sendJson(await revealSecret(target.url), place, bodyOf(target, news, project.name));
  }
}
