import { redactUrls, type JobLogLine, type JobStore, type Logger } from '../../core/spi/index.js';
import type { OnLines } from './worker-process.js';

const FLUSH_MS = 500;
/** Lines that wait for the metastore; beyond, the oldest are lost and their number is told. */
const MOST_WAITING = 10_000;
const MOST_CHARACTERS = 10_000;

/** Writes the log of one try of a job in batches. Trouble with the metastore never stops a job: lines wait for it to come back. */
export class JobLogWriter {
  readonly #store: Pick<JobStore, 'appendLog'>;
  readonly #job: string;
  readonly #attempt: number;
  readonly #log: Logger;
  #waiting: Omit<JobLogLine, 'seq'>[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Pick<JobStore, 'appendLog'>, job: { readonly id: string; readonly attempts: number }, log: Logger) {
    this.#store = store;
    this.#job = job.id;
    this.#attempt = job.attempts;
    this.#log = log;
  }

  readonly add: OnLines = (lines) => {
    for (const { at, level, text } of lines) this.#waiting.push({ at, level, attempt: this.#attempt, text: storable(redactUrls(text)) });
    const over = this.#waiting.length - MOST_WAITING;
    if (over > 0) this.#waiting.splice(0, over);
    this.#dropped += Math.max(0, over);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  };

  /** Resolves when everything is written, or could not be. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const lines = this.#waiting.splice(0);
    if (this.#dropped > 0)
      lines.unshift({ at: Date.now(), level: 'warn', attempt: this.#attempt, text: `${this.#dropped} lines of this log were lost` });
    if (lines.length === 0) return;
    try {
      await this.#store.appendLog(this.#job, lines);
      this.#dropped = 0;
    } catch (error) {
      this.#waiting.unshift(...(this.#dropped > 0 ? lines.slice(1) : lines));
      this.#log.log('warn', 'the log of a job could not be written yet', { job: this.#job, error: (error as Error).message });
    }
  }
}

/** PostgreSQL takes no NUL in text; programs that talk in bytes send some. */
function storable(text: string): string {
  return text.slice(0, MOST_CHARACTERS).replaceAll('\0', '\uFFFD');
}
