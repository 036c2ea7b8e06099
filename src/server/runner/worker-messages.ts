import type { JobLogLine, JobRecord, JobResult } from '../../core/spi/index.js';
import type { SpanData, TraceContext } from '../../core/telemetry/index.js';
import type { JobFailure } from './job-error.js';

/** How a worker process is started: as JSON, its one argument. */
export interface WorkerSettings {
  /** The project's folder. */
  readonly root: string;
}

/** Why a job is stopped; `kill` and `timeout` end it, the others give it back. */
export type StopReason = 'kill' | 'timeout' | 'drain' | 'lost';

export type ToWorker =
  | {
      readonly type: 'run';
      readonly job: JobRecord;
      /** The span that the job's work stands below. */
      readonly trace?: TraceContext | undefined;
    }
  | { readonly type: 'stop'; readonly reason: StopReason };

export type FromWorker =
  | { readonly type: 'log'; readonly lines: readonly Pick<JobLogLine, 'at' | 'level' | 'text'>[] }
  | { readonly type: 'spans'; readonly spans: readonly SpanData[] }
  | { readonly type: 'done'; readonly result: JobResult; readonly memoryBytes: number }
  | { readonly type: 'failed'; readonly failure: JobFailure; readonly result: JobResult; readonly memoryBytes: number };
