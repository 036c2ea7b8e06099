export { followParent, openTracing, type Tracing } from './open-tracing.js';
export type { Attributes, Span, SpanData, SpanSink } from './span.js';
export { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.js';
export type { SpanStart, Tracer } from './tracer.js';
