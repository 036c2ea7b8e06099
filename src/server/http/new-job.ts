import type { JsonObject, NewJob } from '../../core/spi/index.js';

/** A job that a request makes: once, without retries, unless `more` says otherwise. */
export function jobRequest(
  job: Pick<NewJob, 'kind' | 'name' | 'nominalTime' | 'notBefore'> & { readonly payload: object },
  more: Partial<Pick<NewJob, 'priority' | 'maxAttempts' | 'retryWait' | 'timeoutMs' | 'uses' | 'tags'>> = {},
): NewJob {
  return {
    ...job,
    payload: job.payload as JsonObject,
    trigger: 'api',
    priority: 0,
    maxAttempts: 1,
    retryWait: { initialMs: 0, maxMs: 0 },
    timeoutMs: null,
    uses: [],
    parentId: null,
    tags: [],
    ...more,
  };
}
