import { createHash } from 'node:crypto';
import { formatTraceparent, parseTraceparent, type Attributes, type Span, type TraceContext, type Tracer } from '../../core/telemetry/index.js';
import type { JobRecord, JobResult, NewJob } from '../../core/spi/index.js';

/** How a try ended; `given back`: another process goes on with it. */
export interface TryEnd {
  readonly status: 'success' | 'error' | 'killed' | 'given back';
  readonly code: string | undefined;
  readonly result: JobResult | null;
  /** Another try follows. */
  readonly again: boolean;
}

/** One try of a job. */
export interface TryTrace {
  /** What its worker continues. */
  readonly context: TraceContext;
  end(end: TryEnd): void;
}

/** Job and try of the jobs of a process. */
export class JobTraces {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** The job remembers the span that makes it, so that whoever runs it continues the trace. */
  remember(job: NewJob): NewJob {
    const { context } = this.#tracer;
    return context ? { ...job, payload: { ...job.payload, trace: formatTraceparent(context) } } : job;
  }

  begin(job: JobRecord): TryTrace {
    const whole = this.#job(job);
    const attempt = this.#tracer.start('try', {
      parent: whole.context,
      attributes: {
        ...namesOf(job),
        'sluice.job.attempt': job.attempts,
        'sluice.job.claim': job.fence,
        'sluice.job.queued_ms': queuedMs(job),
      },
    });
    return {
      context: attempt.context,
      end({ status, code, result, again }) {
        const outcome = { 'sluice.job.status': status, ...figuresOf(result) };
        attempt.set(outcome);
        if (code !== undefined) attempt.fail(code);
        attempt.end();
        // The span of the whole job belongs to who sees its end.
        if (again || status === 'given back') return;
        whole.set({ ...outcome, 'sluice.job.attempts': job.attempts });
        if (code !== undefined) whole.fail(code);
        whole.end();
      },
    };
  }

  /**
   * The span of the whole job. Each process gives it the same ids, made of the job's, so that the tries of a job that is taken over
   * stand below one span without anything being stored. A job of the timer starts its own trace.
   */
  #job(job: JobRecord): Span {
    const { trace } = job.payload;
    const parent = typeof trace === 'string' ? parseTraceparent(trace) : undefined;
    const ids = { traceId: parent?.traceId ?? digest(`trace of job ${job.id}`, 32), spanId: digest(`job ${job.id}`, 16) };
    const attributes = { ...namesOf(job), 'sluice.job.trigger': job.trigger, 'sluice.tags': job.tags.length === 0 ? undefined : job.tags };
    return this.#tracer.start(`job ${job.kind}`, { kind: 'consumer', parent: parent ?? null, ids, startMs: job.createdAt, attributes });
  }
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

function namesOf(job: JobRecord): Attributes {
  const { schedule } = job.payload;
  return {
    'sluice.job.id': job.id,
    'sluice.job.name': job.name,
    'sluice.job.kind': job.kind,
    'sluice.schedule': typeof schedule === 'string' ? schedule : undefined,
    'sluice.nominal_time': job.nominalTime === null ? undefined : new Date(job.nominalTime).toISOString(),
  };
}

function figuresOf(result: JobResult | null): Attributes {
  return {
    'sluice.rows.read': result?.rowsRead,
    'sluice.rows.written': result?.rowsWritten,
    'sluice.rows.rejected': result?.rowsRejected,
    'sluice.bytes.read': result?.bytesRead,
    'sluice.bytes.written': result?.bytesWritten,
    'sluice.cpu_seconds': result?.cpuSeconds,
  };
}

/** From the moment it could have run; both times are the database's. */
function queuedMs({ startedAt, createdAt, notBefore }: JobRecord): number | undefined {
  return startedAt === null ? undefined : Math.max(0, startedAt - Math.max(createdAt, notBefore));
}
