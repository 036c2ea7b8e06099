import type { Logger } from '../spi/index.js';
import { SendError, type SendBatch } from './otlp-http.js';
import type { SpanBatch } from './otlp-json.js';
import type { TraceSettings } from './settings.js';
import type { SpanData, SpanSink } from './span.js';

export interface SpanQueueOptions {
  readonly send: SendBatch;
  readonly limits: TraceSettings['queue'];
  /** Of the receiver, for people. */
  readonly receiver: string;
  readonly batch: Omit<SpanBatch, 'spans'>;
  readonly log: Logger;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Spans on their way: a bounded number of them, sent in batches, one at a time, while the work goes on. A receiver that does not keep
 * up or is away costs spans, never time; that is told once.
 */
export class SpanQueue implements SpanSink {
  readonly #options: SpanQueueOptions;
  readonly #stop = new AbortController();
  #waiting: SpanData[] = [];
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #lost = 0;
  #reason = 'too many at once';
  #told = 0;
  #closing = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  add(span: SpanData): void {
    const { limits } = this.#options;
    if (this.#waiting.length >= limits.most) return this.#lose(1);
    this.#waiting.push(span);
    if (this.#failures === 0 && this.#waiting.length >= limits.batch) this.#begin();
    else this.#later(limits.delayMs);
  }

  /** Sends what waits, for `limitMs` at most; then the rest is given up. */
  async close(limitMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.#stop.abort(), limitMs);
    try {
      await this.#sending;
      while (this.#waiting.length > 0 && !this.#stop.signal.aborted) await this.#sendOne();
    } finally {
      clearTimeout(timer);
      this.#lose(this.#waiting.splice(0).length);
      if (this.#lost > this.#told) this.#tell();
    }
  }

  #later(ms: number): void {
    if (this.#closing || this.#sending) return;
    this.#timer ??= setTimeout(() => this.#begin(), ms);
    this.#timer.unref();
  }

  #begin(): void {
    if (this.#sending || this.#closing) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sendOne().then((wait) => {
      this.#sending = undefined;
      if (this.#waiting.length > 0) this.#later(wait);
    });
  }

  /** Answers how long to wait before the next batch. Never throws. */
  async #sendOne(): Promise<number> {
    const { send, batch, limits } = this.#options;
    const spans = this.#waiting.splice(0, limits.batch);
    try {
      const { refused } = await send({ ...batch, spans }, this.#stop.signal);
      this.#failures = 0;
      if (refused > 0) this.#lose(refused, 'the receiver refused some');
      return this.#waiting.length >= limits.batch ? 0 : limits.delayMs;
    } catch (error) {
      const failure = error instanceof SendError ? error : new SendError('an unexpected error', false);
      if (!failure.again || this.#closing) {
        // Nobody waits for one that did not answer the first time.
        if (this.#closing) this.#stop.abort();
        this.#lose(spans.length, failure.message);
        return limits.delayMs;
      }
      this.#reason = failure.message;
      this.#waiting.unshift(...spans);
      this.#lose(this.#waiting.splice(limits.most).length);
      return Math.min(LONGEST_WAIT_MS, failure.waitMs ?? FIRST_WAIT_MS * 2 ** this.#failures++);
    }
  }

  #lose(spans: number, reason = this.#reason): void {
    if (spans === 0) return;
    this.#lost += spans;
    this.#reason = reason;
    if (!this.#closing && this.#told === 0) this.#tell();
  }

  /** At the first loss, and the sum at the end. */
  #tell(): void {
    const { log, receiver } = this.#options;
    this.#told = this.#lost;
    log.log('warn', 'spans of traces were lost', { spans: this.#lost, receiver, reason: this.#reason });
  }
}
