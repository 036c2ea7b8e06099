/** What crosses from one process to another: https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** `tracestate`, handed on as it came. */
  readonly state?: string;
}

/** `tracestate` that is longer is left out; the recommendation asks for 512 at least. */
const MOST_STATE = 1024;

/** Undefined for what is not well-formed: a broken header starts a new trace. */
export function parseTraceparent(text: string | undefined, state?: string): TraceContext | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text?.trim() ?? '');
  if (!match) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const kept = state !== undefined && /^[\x20-\x7e]+$/.test(state) && state.length <= MOST_STATE ? { state } : {};
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1, ...kept };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}
