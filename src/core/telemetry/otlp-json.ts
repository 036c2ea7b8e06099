import type { Attributes, SpanData, SpanKind } from './span.js';

/** An export: a resource's spans. */
export interface SpanBatch {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
  readonly spans: readonly SpanData[];
}

/** Numbers of the protocol: opentelemetry/proto/trace/v1/trace.proto. */
export const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3, consumer: 5 };
export const STATUS_ERROR = 2;

/** Milliseconds as nanoseconds, to the microsecond. */
export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}

/** ExportTraceServiceRequest as JSON: ids in hexadecimal, 64-bit numbers as text. */
export function encodeJson({ resource, scope, spans }: SpanBatch): Buffer {
  const request = {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope, spans: spans.map(spanOf) }],
      },
    ],
  };
  return Buffer.from(JSON.stringify(request));
}

function spanOf(span: SpanData): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
    ...(span.parentId === undefined ? {} : { parentSpanId: span.parentId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: String(nanoseconds(span.startMs)),
    endTimeUnixNano: String(nanoseconds(span.endMs)),
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, atMs, attributes }) => ({
      timeUnixNano: String(nanoseconds(atMs)),
      name,
      attributes: attributesOf(attributes),
    })),
    ...(span.failed === undefined ? {} : { status: { code: STATUS_ERROR, message: span.failed } }),
    flags: 1,
  };
}

function attributesOf(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: valueOf(value) }]));
}

function valueOf(value: NonNullable<Attributes[string]>): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}
