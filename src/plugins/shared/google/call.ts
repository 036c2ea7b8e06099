import { RemoteError, type PluginContext, type SluiceError } from '../../../core/spi/index.js';
import { readFailure, type CallSubject } from './failures.js';
import type { TokenSource } from './token-source.js';

export interface RetryLimits {
  readonly limit: number;
  readonly initialWaitMs: number;
  /** Longest wait before one repeat; a server that asks for more ends the call. */
  readonly maxWaitMs: number;
}

export type CallContext = Pick<PluginContext, 'clock' | 'signal' | 'log'>;

/**
 * Calls of one Google service: a token for each, a fresh one once after 401, repeats after quota and server errors with
 * the wait the server asks for. The repeats are a budget that all tasks share and that a success refills: a service that
 * is down is not asked (tasks × tries) times.
 */
export class GoogleCaller {
  readonly #tokens: TokenSource;
  readonly #limits: RetryLimits;
  #repeatsLeft: number;

  constructor(tokens: TokenSource, limits: RetryLimits) {
    this.#tokens = tokens;
    this.#limits = limits;
    this.#repeatsLeft = limits.limit;
  }

  /** `send` makes exactly one request. Its answer must be a JSON object. */
  async call<T extends object>(subject: CallSubject, ctx: CallContext, send: (authorization: string) => Promise<T>): Promise<T> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      ctx.signal.throwIfAborted();
      let token: string | undefined;
      try {
        token = await this.#tokens.token(ctx);
        const answer = await send(`Bearer ${token}`);
        assertObject(answer, subject);
        this.#repeatsLeft = this.#limits.limit;
        return answer;
      } catch (error) {
        if (ctx.signal.aborted) throw ctx.signal.reason;
        // A fault of this program, which no repeat mends.
        if (error instanceof TypeError || error instanceof RangeError) throw error;
        const failure = readFailure(error, subject, ctx.clock.now());
        if (failure.unauthenticated && token !== undefined && !renewed) {
          renewed = true;
          this.#tokens.forget(token);
          continue;
        }
        await this.#waitOrThrow(failure.error, failure.retryAfterMs, attempt, ctx);
      }
    }
  }

  async #waitOrThrow(error: SluiceError, retryAfterMs: number | undefined, attempt: number, ctx: CallContext): Promise<void> {
    const { initialWaitMs, maxWaitMs } = this.#limits;
    if (!error.retryable || this.#repeatsLeft <= 0) throw error;
    if (retryAfterMs !== undefined && retryAfterMs > maxWaitMs) throw tooLong(error, retryAfterMs, maxWaitMs);
    this.#repeatsLeft -= 1;
    const wait = retryAfterMs ?? Math.min(maxWaitMs, initialWaitMs * 2 ** (attempt - 1)) * (1 - Math.random() / 4);
    ctx.log.log('warn', 'asking Google again', { attempt, wait_ms: Math.round(wait), code: error.code, error: error.message });
    await ctx.clock.sleep(wait, ctx.signal);
  }
}

/** Not retryable: the engine would ask again long before the server wants to be asked. */
function tooLong(error: SluiceError, retryAfterMs: number, maxWaitMs: number): RemoteError {
  return new RemoteError({
    code: error.code,
    message: `${error.message} (the server asks to wait ${Math.ceil(retryAfterMs / 1000)} s, the limit is ${Math.floor(maxWaitMs / 1000)} s)`,
    hint: `run again after that time (what was finished is kept), or raise retry.max_wait_secs`,
    retryable: false,
  });
}

/** A body that is cut or comes from a proxy reaches us as text with status 200. */
function assertObject(answer: unknown, subject: CallSubject): void {
  if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return;
  throw new RemoteError({
    code: 'GOOGLE_BAD_ANSWER',
    message: `${subject.service}: ${subject.doing}: expected a JSON object, found ${typeof answer === 'string' ? 'a text that is none, cut or from elsewhere' : 'something else'}`,
    hint: 'run again; when it stays, check the endpoint, and whether a proxy answers in its place',
    retryable: true,
  });
}
