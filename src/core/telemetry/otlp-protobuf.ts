import { KINDS, nanoseconds, STATUS_ERROR, type SpanBatch } from './otlp-json.js';
import type { Attributes, SpanData } from './span.js';

/** Wire types of https://protobuf.dev/programming-guides/encoding/. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Field numbers of opentelemetry/proto/{collector/trace,trace,common,resource}/v1. */
export function encodeProtobuf({ resource, scope, spans }: SpanBatch): Buffer {
  const scopeSpans = message(bytes(1, message(text(1, scope.name), text(2, scope.version))), ...spans.map((span) => bytes(2, encodeSpan(span))));
  return message(bytes(1, message(bytes(1, message(...attributesOf(1, resource))), bytes(2, scopeSpans))));
}

function encodeSpan(span: SpanData): Buffer {
  return message(
    bytes(1, Buffer.from(span.traceId, 'hex')),
    bytes(2, Buffer.from(span.spanId, 'hex')),
    span.traceState === undefined ? NOTHING : text(3, span.traceState),
    span.parentId === undefined ? NOTHING : bytes(4, Buffer.from(span.parentId, 'hex')),
    text(5, span.name),
    whole(6, BigInt(KINDS[span.kind])),
    fixed64(7, nanoseconds(span.startMs)),
    fixed64(8, nanoseconds(span.endMs)),
    ...attributesOf(9, span.attributes),
    ...span.events.map(({ name, atMs, attributes }) =>
      bytes(11, message(fixed64(1, nanoseconds(atMs)), text(2, name), ...attributesOf(3, attributes))),
    ),
    span.failed === undefined ? NOTHING : bytes(15, message(text(2, span.failed), whole(3, BigInt(STATUS_ERROR)))),
    fixed32(16, 1),
  );
}

function attributesOf(field: number, attributes: Attributes): readonly Buffer[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [bytes(field, message(text(1, key), bytes(2, encodeValue(value))))],
  );
}

function encodeValue(value: NonNullable<Attributes[string]>): Buffer {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return whole(2, value ? 1n : 0n);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? whole(3, BigInt(value)) : double(4, value);
  return bytes(5, message(...value.map((each) => bytes(1, text(1, each)))));
}

const NOTHING = Buffer.alloc(0);

function message(...fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields);
}

function tag(field: number, wire: number): Buffer {
  return varint(BigInt((field << 3) | wire));
}

/** Negative numbers as two's complement of 64 bits. */
function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Buffer.from(out);
}

function whole(field: number, value: bigint): Buffer {
  return Buffer.concat([tag(field, VARINT), varint(value)]);
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([tag(field, BYTES), varint(BigInt(content.length)), content]);
}

function text(field: number, content: string): Buffer {
  return bytes(field, Buffer.from(content));
}

function fixed64(field: number, value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(value);
  return Buffer.concat([tag(field, FIXED64), out]);
}

function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return Buffer.concat([tag(field, FIXED64), out]);
}

function fixed32(field: number, value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return Buffer.concat([tag(field, FIXED32), out]);
}
