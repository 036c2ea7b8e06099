import type { NotifyTarget, ProjectConfig, ScheduleDefinition } from '../../src/core/config/index.js';
import type { JobRecord, NewMessage } from '../../src/core/spi/index.js';
import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/types.js';
import { Notifier } from '../../src/server/notify/notifier.js';
import type { EndedTry } from '../../src/server/runner/job-runner.js';
import { sqliteStore, type TestStore } from '../metastore/stores.js';
import { newJob } from './runner/job-desk.js';

export interface NotifierSetup {
  readonly targets: Readonly<Record<string, Partial<NotifyTarget>>>;
  readonly schedules?: readonly Pick<ScheduleDefinition, 'name' | 'notify'>[];
  readonly earlier?: readonly JobRecord[];
}

/** Messages in a metastore whose clock jumps to when what was put off is due. */
export class MessageDesk {
  readonly logged: string[] = [];
  readonly waits: number[] = [];
  readonly #database: TestStore;
  readonly #store: Metastore;
  readonly #server: string;
  readonly #time: { now: number };

  private constructor(database: TestStore, store: Metastore, server: string, time: { now: number }) {
    this.#database = database;
    this.#store = store;
    this.#server = server;
    this.#time = time;
  }

  static async open(): Promise<MessageDesk> {
    const time = { now: Date.UTC(2026, 0, 31) };
    const database = await sqliteStore();
    const store = await openMetastore({ ...database.options, clock: () => time.now });
    return new MessageDesk(database, store, (await store.registerServer('test')).id, time);
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#database.stop();
  }

  get unsent(): Promise<number> {
    return this.#store.countMessages();
  }

  /** What a process claimed that then died is due again. */
  pass(ms: number): void {
    this.#time.now += ms;
  }

  /** As one of several servers has it. */
  notifier({ targets, schedules = [], earlier = [] }: NotifierSetup): Notifier {
    return new Notifier({
      store: {
        listJobs: () => Promise.resolve(earlier),
        claimMessages: (...given) => this.#store.claimMessages(...given),
        endMessage: (id) => this.#store.endMessage(id),
        putOffMessage: async (id, wait) => {
          this.waits.push(wait);
          await this.#store.putOffMessage(id, wait);
          this.#time.now += wait;
        },
      },
      clock: { now: () => this.#time.now },
      log: { log: (level, message, fields) => this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`) },
      project: () => ({ name: 'shop', root: '/', serve: { notify: targets } }) as unknown as ProjectConfig,
      schedules: () => schedules as readonly ScheduleDefinition[],
    });
  }

  /** Records messages with the end of some job. */
  async record(messages: readonly NewMessage[]): Promise<void> {
    const job = await this.#store.claimJob(this.#server, await this.#store.addJob(newJob({ kind: 'sql' })));
    await this.#store.finishJob(job as JobRecord, { status: 'success', result: null, error: null, retry: false, messages });
  }

  /** Records what the end of a try tells, and sends it until nothing is left. */
  async tell(notifier: Notifier, end: EndedTry): Promise<void> {
    await this.record(await notifier.messagesOfEnd(end));
    await this.sendAll(notifier);
  }

  async sendAll(notifier: Notifier): Promise<void> {
    while ((await this.unsent) > 0) {
      notifier.deliver();
      await notifier.close();
    }
  }
}
