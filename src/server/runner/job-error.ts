import { ConfigError, ConflictError, redactUrls, SluiceError, type JobRecord } from '../../core/spi/index.js';

/** How a try of a job failed, as it is stored. */
export interface JobFailure {
  readonly error: NonNullable<JobRecord['error']>;
  /** Whether another try may end better. */
  readonly retry: boolean;
}

/** Conflicts that pass: somebody else was at work on the same target. */
const PASSING = new Set(['LEASE_HELD', 'LEASE_LOST', 'COMMIT_CONFLICT', 'TABLE_CHANGED', 'TARGET_LOCKED']);

/** Codes decide whether a try is repeated, never texts. An unexpected error is a defect and would only fail again. */
export function describeFailure(error: unknown): JobFailure {
  if (!(error instanceof SluiceError)) {
    const message = redactUrls(error instanceof Error ? error.message : String(error));
    return { error: { code: 'UNEXPECTED', message, hint: 'this is a defect of sluice; please report it with the log of the job' }, retry: false };
  }
  const { code, hint, where } = error;
  const line = where.line === undefined ? '' : `:${where.line}:${where.column ?? 1}`;
  const place = where.file === undefined || error.message.startsWith(where.file) ? '' : `${where.file}${line}: `;
  return {
    error: { code, message: redactUrls(place + error.message), ...(hint === undefined ? {} : { hint }) },
    retry: error.retryable || (error instanceof ConflictError && PASSING.has(code)),
  };
}

export function payloadError(job: JobRecord, message: string, hint: string): ConfigError {
  return new ConfigError({ code: 'JOB_PAYLOAD', message: `job ${job.id}: ${message}`, hint });
}
