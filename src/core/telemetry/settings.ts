import { createSampler, SAMPLERS, type Sampler } from './sampler.js';
import type { Attributes } from './span.js';
import type { Env } from './wanted.js';

/** What the standard environment variables say of traces. */
export interface TraceSettings {
  readonly url: URL;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  /** Of one request. */
  readonly timeoutMs: number;
  /** PEM files: authority of the receiver, and our own certificate and its key. */
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sampler: Sampler;
  readonly resource: Attributes;
  readonly queue: { readonly most: number; readonly batch: number; readonly delayMs: number };
}

const DEFAULT_ENDPOINT = 'http://localhost:4318';

/**
 * Reads the settings. What cannot be understood is told in `notes` and replaced by its default, as the specification of the
 * variables asks; without a usable endpoint there is no answer. Values of variables never stand in a note: they may be secrets.
 */
export function readTraceSettings(env: Env): { readonly settings?: TraceSettings; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const url = endpoint(env, notes);
  const protocol = otlp(env, 'PROTOCOL')?.toLowerCase() ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json')
    notes.push('OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or http/json; there are no traces');
  if (!url || (protocol !== 'http/protobuf' && protocol !== 'http/json')) return { notes };
  const most = number(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 2048, notes, 1);
  const file = (name: string, key: 'ca' | 'cert' | 'key'): TraceSettings['files'] => {
    const path = otlp(env, name);
    return path === undefined ? {} : { [key]: path };
  };
  const settings: TraceSettings = {
    url,
    protocol,
    headers: { ...pairs(env['OTEL_EXPORTER_OTLP_HEADERS'], 'OTEL_EXPORTER_OTLP_HEADERS', notes), ...tracesHeaders(env, notes) },
    gzip: otlp(env, 'COMPRESSION')?.toLowerCase() === 'gzip',
    timeoutMs: otlpTimeout(env, notes),
    files: { ...file('CERTIFICATE', 'ca'), ...file('CLIENT_CERTIFICATE', 'cert'), ...file('CLIENT_KEY', 'key') },
    sampler: sampler(env, notes),
    resource: resource(env, notes),
    queue: {
      most,
      batch: Math.min(most, number(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, notes, 1)),
      delayMs: number(env, 'OTEL_BSP_SCHEDULE_DELAY', 5000, notes, 0),
    },
  };
  return { settings, notes };
}

function read(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** The variable for traces before the one for all signals. */
function otlp(env: Env, name: string): string | undefined {
  return read(env, `OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? read(env, `OTEL_EXPORTER_OTLP_${name}`);
}

function endpoint(env: Env, notes: string[]): URL | undefined {
  const own = read(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const base = read(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? DEFAULT_ENDPOINT;
  const text = own ?? `${base.replace(/\/+$/, '')}/v1/traces`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  notes.push(`OTEL_EXPORTER_OTLP_${own === undefined ? '' : 'TRACES_'}ENDPOINT: expected an http or https URL; there are no traces`);
  return undefined;
}

function tracesHeaders(env: Env, notes: string[]): Readonly<Record<string, string>> {
  return pairs(env['OTEL_EXPORTER_OTLP_TRACES_HEADERS'], 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', notes);
}

function otlpTimeout(env: Env, notes: string[]): number {
  const own = read(env, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT') === undefined ? '' : 'TRACES_';
  return number(env, `OTEL_EXPORTER_OTLP_${own}TIMEOUT`, 10_000, notes, 1);
}

function number(env: Env, name: string, usual: number, notes: string[], least: number): number {
  const text = read(env, name);
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  notes.push(`${name}: expected a whole number from ${least}; ${usual} is used`);
  return usual;
}

/** `key1=value1,key2=value2`, values percent-encoded. */
function pairs(text: string | undefined, name: string, notes: string[]): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const part of (text ?? '').split(',')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    try {
      if (at < 1) throw new URIError(name);
      found.push([part.slice(0, at).trim(), decodeURIComponent(part.slice(at + 1).trim())]);
    } catch {
      notes.push(`${name}: expected key=value pairs with percent-encoded values; one that is none is left out`);
    }
  }
  return Object.fromEntries(found);
}

function sampler(env: Env, notes: string[]): Sampler {
  const given = read(env, 'OTEL_TRACES_SAMPLER');
  const usual = 'parentbased_always_on';
  const name = given ?? usual;
  if (!SAMPLERS.includes(name)) {
    notes.push(`OTEL_TRACES_SAMPLER: expected one of ${SAMPLERS.join(', ')}; ${usual} is used`);
    return createSampler(usual, 1);
  }
  const argument = read(env, 'OTEL_TRACES_SAMPLER_ARG');
  const ratio = argument === undefined ? 1 : Number(argument);
  if (ratio >= 0 && ratio <= 1) return createSampler(name, ratio);
  notes.push('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1; 1 is used');
  return createSampler(name, 1);
}

function resource(env: Env, notes: string[]): Attributes {
  const given = pairs(env['OTEL_RESOURCE_ATTRIBUTES'], 'OTEL_RESOURCE_ATTRIBUTES', notes);
  return {
    'service.name': 'sluice',
    ...given,
    ...(read(env, 'OTEL_SERVICE_NAME') === undefined ? {} : { 'service.name': read(env, 'OTEL_SERVICE_NAME') }),
  };
}
