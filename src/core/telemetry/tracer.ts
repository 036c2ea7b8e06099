import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { redactUrls, SluiceError } from '../spi/index.js';
import type { Sampler } from './sampler.js';
import { nowMs, type Attributes, type Span, type SpanData, type SpanKind, type SpanSink } from './span.js';
import type { TraceContext } from './trace-context.js';

const MOST_CHARACTERS = 1024;
const MOST_EVENTS = 128;

export interface SpanStart {
  readonly kind?: SpanKind;
  /** Default: the span at work; null: none. */
  readonly parent?: TraceContext | null;
  readonly attributes?: Attributes;
  readonly startMs?: number;
  /** Of spans that several processes must name alike. */
  readonly ids?: Pick<TraceContext, 'traceId' | 'spanId'>;
}

/** Makes spans and knows which one is at work. */
export class Tracer {
  readonly #sampler: Sampler;
  readonly #sink: SpanSink;
  readonly #current = new AsyncLocalStorage<{ readonly context: TraceContext; readonly span?: Span } | undefined>();

  constructor(sampler: Sampler, sink: SpanSink) {
    this.#sampler = sampler;
    this.#sink = sink;
  }

  /** The span at work, or the one of another process that it continues. */
  get context(): TraceContext | undefined {
    return this.#current.getStore()?.context;
  }

  /** Begins a span; the caller ends it. */
  start(name: string, { kind = 'internal', parent, attributes = {}, startMs = nowMs(), ids }: SpanStart = {}): Span {
    const above = parent === undefined ? this.context : (parent ?? undefined);
    const traceId = ids?.traceId ?? above?.traceId ?? randomBytes(16).toString('hex');
    const spanId = ids?.spanId ?? randomBytes(8).toString('hex');
    const sampled = this.#sampler(traceId, above);
    const context: TraceContext = { traceId, spanId, sampled, ...(above?.state === undefined ? {} : { state: above.state }) };
    if (!sampled) return unrecorded(context);
    const base = {
      traceId,
      spanId,
      ...(above ? { parentId: above.spanId } : {}),
      ...(context.state === undefined ? {} : { traceState: context.state }),
      name: name.slice(0, MOST_CHARACTERS),
      kind,
      startMs,
    };
    return new RecordedSpan(context, base, attributes, this.#sink);
  }

  /** Runs `work` below a span. */
  within<T>(span: Span, work: () => T): T {
    return this.#current.run({ context: span.context, span }, work);
  }

  /** Runs `work` below a span of another process. */
  continue<T>(context: TraceContext | undefined, work: () => T): T {
    return this.#current.run(context && { context }, work);
  }

  /** Runs `work` as a span of its own, which tells by the code what it failed with. */
  async trace<T>(name: string, start: SpanStart, work: (span: Span) => Promise<T>): Promise<T> {
    const span = this.start(name, start);
    try {
      return await this.within(span, () => work(span));
    } catch (error) {
      span.fail(error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** Notes something that happened to the span at work. */
  event(name: string, attributes?: Attributes): void {
    this.#current.getStore()?.span?.event(name, attributes);
  }
}

class RecordedSpan implements Span {
  readonly context: TraceContext;
  readonly #base: Omit<SpanData, 'endMs' | 'attributes' | 'events' | 'failed'>;
  readonly #sink: SpanSink;
  readonly #events: SpanData['events'][number][] = [];
  #attributes: Attributes;
  #failed: string | undefined;
  #ended = false;

  constructor(context: TraceContext, base: Omit<SpanData, 'endMs' | 'attributes' | 'events' | 'failed'>, attributes: Attributes, sink: SpanSink) {
    this.context = context;
    this.#base = base;
    this.#attributes = clean(attributes);
    this.#sink = sink;
  }

  set(attributes: Attributes): void {
    this.#attributes = { ...this.#attributes, ...clean(attributes) };
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.#events.length < MOST_EVENTS) this.#events.push({ name, atMs: nowMs(), attributes: clean(attributes) });
  }

  fail(error: unknown): void {
    this.#failed ??= codeOf(error);
    this.set({ 'error.type': this.#failed });
  }

  end(atMs = nowMs()): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.add({
      ...this.#base,
      endMs: Math.max(atMs, this.#base.startMs),
      attributes: this.#attributes,
      events: this.#events,
      ...(this.#failed === undefined ? {} : { failed: this.#failed }),
    });
  }
}

function unrecorded(context: TraceContext): Span {
  return { context, set: () => undefined, event: () => undefined, fail: () => undefined, end: () => undefined };
}

function codeOf(error: unknown): string {
  if (error instanceof SluiceError) return error.code;
  return typeof error === 'string' ? error : 'UNEXPECTED';
}

function clean(attributes: Attributes): Attributes {
  const kept: [string, NonNullable<Attributes[string]>][] = [];
  const short = (text: string): string => redactUrls(text).slice(0, MOST_CHARACTERS);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) continue;
    kept.push([key, typeof value === 'string' ? short(value) : Array.isArray(value) ? value.map(short) : value]);
  }
  return Object.fromEntries(kept);
}
