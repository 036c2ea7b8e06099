import type { NotifyTarget, ProjectConfig, ScheduleDefinition } from '../../core/config/index.js';
import { revealSecret, SluiceError, type Clock, type JobStore, type Logger, type MessageRecord, type NewMessage } from '../../core/spi/index.js';
import type { EndedTry } from '../runner/job-runner.js';
import type { SlaEvent } from '../schedule/sla-watch.js';
import { mailOf } from './mail.js';
import { bodyOf } from './message.js';
import { contentOf, factsOf, type News } from './news.js';
import { sendJson } from './send-json.js';
import { sendMail } from './send-mail.js';

export interface NotifierOptions {
  readonly store: Pick<JobStore, 'listJobs' | 'claimMessages' | 'putOffMessage' | 'endMessage'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  project(): ProjectConfig;
  schedules(): readonly ScheduleDefinition[];
}

/** Mail servers that put off strangers want to be asked again minutes later. */
const TRIES = { web: { most: 6, firstWaitMs: 1000 }, email: { most: 8, firstWaitMs: 5000 } } as const;
const AT_ONCE = 20;
/** Longer than any try to send takes: then it was left by a process that has ended. */
const HOLD_MS = 120_000;
const LOOK_EVERY_MS = 15_000;

/**
 * Tells the project's people how jobs ended. What must be told is recorded with what it tells, and sent by any of the project's
 * servers: at least once. A message that nobody takes is tried again for a while, then logged.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #sending = new Set<Promise<void>>();
  #nextLook = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** What must be told of the end of a try. */
  async messagesOfEnd(end: EndedTry): Promise<readonly NewMessage[]> {
    const { job } = end;
    const { schedule } = job.payload as { schedule?: string };
    // Somebody waits for the answer of an ad hoc statement anyway.
    if (schedule === undefined && (job.kind === 'sql' || job.kind === 'export')) return [];
    const targets = this.#targetsOf(schedule);
    return targets.length === 0 ? [] : messagesFor(targets, await this.#newsOf(end));
  }

  messagesOfSla(news: SlaEvent): readonly NewMessage[] {
    return messagesFor(this.#targetsOf(news.sla.miss.schedule), [news]);
  }

  /** Sends what is due, beside the caller's work. */
  deliver(): void {
    this.#nextLook = this.#options.clock.now() + LOOK_EVERY_MS;
    const sending = this.#sendDue().finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** As deliver, once what was put off is due, and now and then for what other servers have left. */
  deliverWhenDue(): void {
    if (this.#options.clock.now() >= this.#nextLook) this.deliver();
  }

  /** Waits for what is on its way. */
  async close(): Promise<void> {
    await Promise.all(this.#sending);
  }

  #targetsOf(schedule: string | undefined): readonly (readonly [string, NotifyTarget])[] {
    const all = Object.entries(this.#options.project().serve.notify);
    const named = this.#options.schedules().find(({ name }) => name === schedule)?.notify ?? [];
    return all.filter(([name, target]) => (named.length > 0 ? named.includes(name) : target.everything));
  }

  async #newsOf(end: EndedTry): Promise<readonly News[]> {
    const { job, status, error, again } = end;
    if (again || status === 'killed') return [];
    if (status === 'error') return [...(error?.code === 'TOO_MANY_REJECTS' ? [{ event: 'rejects', end } as const] : []), { event: 'failure', end }];
    const earlier = await this.#options.store.listJobs({ name: job.name, before: job.id, limit: 20 });
    const last = earlier.find((each) => each.status === 'success' || each.status === 'error');
    return last?.status === 'error' ? [{ event: 'recovery', end }] : [];
  }

  async #sendDue(): Promise<void> {
    const { store, log } = this.#options;
    try {
      for (;;) {
        const messages = await store.claimMessages(AT_ONCE, HOLD_MS);
        await Promise.all(messages.map((message) => this.#send(message)));
        if (messages.length < AT_ONCE) return;
      }
    } catch (error) {
      log.log('warn', 'messages are left for later', { error: (error as Error).message });
    }
  }

  async #send({ id, target: name, content, tries }: MessageRecord): Promise<void> {
    const { store, clock, log } = this.#options;
    const news = content as unknown as News;
    const target = this.#options.project().serve.notify[name];
    if (target === undefined) {
      log.log('warn', `a message was dropped: serve.notify has no ${name} any more`, factsOf(news));
      return store.endMessage(id);
    }
    try {
      await this.#sendOnce(`serve.notify.${name}`, target, news);
    } catch (error) {
      const { most, firstWaitMs } = TRIES[target.type === 'email' ? 'email' : 'web'];
      const facts = { code: error instanceof SluiceError ? error.code : 'UNEXPECTED', ...factsOf(news) };
      if (error instanceof SluiceError && error.retryable && tries < most) {
        if (target.type === 'email' && tries === 1) log.log('warn', `a message is sent again later: ${error.message}`, facts);
        const wait = firstWaitMs * 2 ** (tries - 1);
        this.#nextLook = Math.min(this.#nextLook, clock.now() + wait);
        return store.putOffMessage(id, wait);
      }
      log.log('error', `a message could not be sent: ${(error as Error).message}`, facts);
    }
    await store.endMessage(id);
  }

  async #sendOnce(place: string, target: NotifyTarget, news: News): Promise<void> {
    const project = this.#options.project();
    if (target.type === 'email') await sendMail(target, place, mailOf(news, project.name, target.subjectPrefix), project.root);
    else await sendJson(await revealSecret(target.url), place, bodyOf(target, news, project.name));
  }
}

/** Each target gets one message: the most telling comes first among the `choices`. */
function messagesFor(targets: readonly (readonly [string, NotifyTarget])[], choices: readonly News[]): readonly NewMessage[] {
  return targets.flatMap(([name, target]) => {
    const news = choices.find(({ event }) => target.on.includes(event));
    return news === undefined ? [] : [{ target: name, content: contentOf(news) }];
  });
}
