import { setTimeout as delay } from 'node:timers/promises';
import { startCutProxy, type CutProxy } from '../../servers/cut-proxy.js';
import type { PostgresServer } from '../../servers/postgres.js';
import { ServeProcess } from '../serve-process.js';

interface Seat {
  readonly proxy: CutProxy;
  readonly url: string;
  process: ServeProcess;
}

/** Numbers between 0 and 1, the same ones for a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `sluice serve` processes that reach their metastore through a proxy each, and all that may befall them. */
export class Chaos {
  readonly #database: PostgresServer;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #seats: Seat[] = [];
  /** What happened, in order. */
  readonly events: string[] = [];
  /** Every process there was. */
  readonly processes: ServeProcess[] = [];
  /** Processes that ended although nobody had ended them. */
  readonly died: ServeProcess[] = [];
  readonly #ending = new WeakSet<ServeProcess>();

  constructor(database: PostgresServer, folder: string, random: () => number) {
    this.#database = database;
    this.#folder = folder;
    this.#random = random;
  }

  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const proxy = await startCutProxy(this.#database);
      const { user, password } = this.#database;
      const url = `postgresql://${user}:${password}@${proxy.host}:${proxy.port}/postgres`;
      this.#seats.push({ proxy, url, process: this.#launch(url) });
    }
    await Promise.all(this.#seats.map(({ process }) => process.said('serving soak')));
  }

  /** One misfortune. `long` ones outlast a lease. */
  async strike(long: boolean): Promise<void> {
    const seat = this.#pick(this.#seats);
    const secs = long ? 35 + this.#random() * 10 : 0.5 + this.#random() * 4;
    const events: Readonly<Record<string, () => Promise<void>>> = {
      kill: () => this.#restart(seat, 'SIGKILL', secs / 4),
      drain: () => this.#restart(seat, 'SIGTERM', secs / 4),
      worker: () => this.#killWorker(seat),
      cut: () => Promise.resolve(void seat.proxy.cut(this.#random() < 0.5 ? 'end' : 'reset')),
      silence: () => this.#silence(seat, secs),
      freeze: () => this.#freeze(seat, secs),
      database: () => this.#database.restart(this.#random() < 0.5 ? 'immediate' : 'fast'),
    };
    const common = long
      ? ['silence', 'freeze']
      : ['kill', 'kill', 'kill', 'drain', 'worker', 'worker', 'cut', 'cut', 'silence', 'freeze', 'database'];
    const event = this.#pick(common);
    this.events.push(`${new Date().toISOString()} ${event}${long ? ' (long)' : ''} of ${this.#seats.indexOf(seat)}`);
    await events[event]?.();
    await this.#replaceDead();
  }

  /** The metastore is away, all processes too, for so long that times are missed. */
  async blackOut(secs: number): Promise<void> {
    this.events.push(`${new Date().toISOString()} all are away for ${secs} s`);
    await Promise.all(this.#seats.map(({ process }) => this.#end(process, 'SIGKILL')));
    await delay(secs * 1000);
    for (const seat of this.#seats) seat.process = this.#launch(seat.url);
  }

  /** Everybody is there, and nothing is in the way. */
  async calm(): Promise<void> {
    await this.#replaceDead();
    await Promise.all(this.#seats.map(({ process }) => process.said('serving soak')));
  }

  /** Answers the exit codes. */
  async drainAll(): Promise<readonly (number | null)[]> {
    return Promise.all(this.#seats.map(({ process }) => this.#end(process, 'SIGTERM')));
  }

  async close(): Promise<void> {
    await Promise.all(this.#seats.map(({ proxy }) => proxy.stop()));
  }

  #launch(url: string): ServeProcess {
    const env = { METASTORE_URL: url, MART_PASSWORD: this.#database.password };
    const process = new ServeProcess(this.#folder, env, { built: true });
    this.processes.push(process);
    return process;
  }

  async #end(process: ServeProcess, signal: NodeJS.Signals): Promise<number | null> {
    this.#ending.add(process);
    return process.kill(signal);
  }

  async #restart(seat: Seat, signal: NodeJS.Signals, secs: number): Promise<void> {
    await this.#end(seat.process, signal);
    await delay(secs * 1000);
    seat.process = this.#launch(seat.url);
  }

  #killWorker(seat: Seat): Promise<void> {
    const workers = seat.process.workers();
    if (workers.length > 0) seat.process.endWorker(this.#pick(workers));
    return Promise.resolve();
  }

  /** Nothing passes, and nobody is told. */
  async #silence({ proxy }: Seat, secs: number): Promise<void> {
    proxy.set({ pauseAfter: { direction: this.#random() < 0.5 ? 'up' : 'down', bytes: 0 } });
    await delay(secs * 1000);
    proxy.set({});
  }

  /** A machine that is suspended; its workers go on for a while. */
  async #freeze({ process }: Seat, secs: number): Promise<void> {
    process.child.kill('SIGSTOP');
    await delay(secs * 1000);
    process.child.kill('SIGCONT');
  }

  /** A process that could not start while the database was away is started again, as a service manager does. */
  async #replaceDead(): Promise<void> {
    for (const seat of this.#seats) {
      if (!seat.process.over) continue;
      if (!this.#ending.has(seat.process) && seat.process.lines.some(({ message }) => message.includes('serving soak'))) this.died.push(seat.process);
      seat.process = this.#launch(seat.url);
      await delay(200);
    }
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }
}
