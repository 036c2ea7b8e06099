import type { TraceContext } from './trace-context.js';

export type SpanKind = 'internal' | 'server' | 'client' | 'consumer';

/** Facts and figures only: no values of rows, no SQL text, no secrets. Undefined: left out. */
export type Attributes = { readonly [key: string]: string | number | boolean | readonly string[] | undefined };

/** A span that has ended; plain JSON, as it goes from a worker process to its parent. */
export interface SpanData {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly atMs: number; readonly attributes: Attributes }[];
  /** Code of the error that it ended with. */
  readonly failed?: string;
}

/** A span at work. Calls after its end do nothing. */
export interface Span {
  readonly context: TraceContext;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Marks it as failed, by the code of the error; its text may hold values. */
  fail(error: unknown): void;
  end(atMs?: number): void;
}

/** Where ended spans go. Must neither wait nor throw. */
export interface SpanSink {
  add(span: SpanData): void;
}

/** Milliseconds since 1970 that never go back within a process. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
