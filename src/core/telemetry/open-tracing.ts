import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from '../spi/index.js';
import { createSampler } from './sampler.js';
import { createSender } from './otlp-http.js';
import { readTraceSettings } from './settings.js';
import { SpanQueue } from './span-queue.js';
import type { SpanSink } from './span.js';
import { parseTraceparent, type TraceContext } from './trace-context.js';
import { Tracer } from './tracer.js';
import type { Env } from './wanted.js';

export interface TracingOptions {
  readonly env: Env;
  readonly log: Logger;
  /** Of Sluice. */
  readonly version: string;
}

/** Traces of this process. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Takes spans that a worker process has ended. */
  readonly sink: SpanSink;
  /** The span that called this process: TRACEPARENT and TRACESTATE. */
  readonly caller: TraceContext | undefined;
  /** Sends what waits, within two seconds; what is not taken by then is lost, and told. Never throws. */
  close(): Promise<void>;
}

const CLOSE_MS = 2000;

/** Undefined where the settings give no receiver; why is in the log. Nothing is sent before the first span has ended. */
export function openTracing({ env, log, version }: TracingOptions): Tracing | undefined {
  const { settings, notes } = readTraceSettings(env);
  for (const note of notes) log.log('warn', note);
  if (!settings) return undefined;
  const sink = new SpanQueue({
    send: createSender(settings),
    limits: settings.queue,
    receiver: settings.url.host,
    batch: {
      resource: {
        'service.version': version,
        'telemetry.sdk.name': 'sluice',
        'telemetry.sdk.language': 'nodejs',
        'telemetry.sdk.version': version,
        'service.instance.id': randomUUID(),
        'host.name': hostname(),
        'process.pid': process.pid,
        ...settings.resource,
      },
      scope: { name: 'sluice', version },
    },
    log,
  });
  return {
    tracer: new Tracer(settings.sampler, sink),
    sink,
    caller: parseTraceparent(env['TRACEPARENT'], env['TRACESTATE']),
    close: () => sink.close(CLOSE_MS),
  };
}

/** A tracer for a process whose parent decides what is recorded, and sends it. */
export function followParent(sink: SpanSink): Tracer {
  return new Tracer(createSampler('parentbased_always_off', 1), sink);
}
