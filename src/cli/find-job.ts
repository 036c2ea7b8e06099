import { ConfigError, didYouMean, type JobRecord, type JobStore } from '../core/spi/index.js';

/** Jobs among which the beginning or end of an id is looked for. */
const RECENT = 1000;

/** A job by its id, by the beginning or end of it where that is unique, or `latest`. Errors: ConfigError JOB_UNKNOWN, JOB_AMBIGUOUS. */
export async function findJob(store: JobStore, text: string): Promise<JobRecord> {
  const exact = await store.getJob(text);
  if (exact) return exact;
  const recent = await store.listJobs({ limit: RECENT });
  if (text === 'latest' && recent[0]) return recent[0];
  const close = text.length < 4 ? [] : recent.filter(({ id }) => id.startsWith(text) || id.endsWith(text));
  if (close.length === 1 && close[0]) return close[0];
  const ids = close.slice(0, 3).map(({ id }) => id);
  if (close.length > 1)
    throw new ConfigError({
      code: 'JOB_AMBIGUOUS',
      message: `expected the id of one job, found ${close.length} that match ${text}`,
      hint: `e.g. ${ids.join(', ')}`,
    });
  const known = recent.map(({ id }) => id);
  throw new ConfigError({
    code: 'JOB_UNKNOWN',
    message: `no job ${text}${didYouMean(text, known)}`,
    hint: recent.length === 0 ? 'this project has no jobs yet' : '`sluice jobs` lists them; `latest` is the newest one',
  });
}
