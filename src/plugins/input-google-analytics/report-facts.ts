import type { RunReportResponse } from './analytics-client.js';

/** Below this share of a quota the user is warned. */
const LOW_SHARE = 0.1;

/** With the totals of a standard property; those of Analytics 360 are larger. */
const QUOTAS = [
  { key: 'tokensPerDay', name: 'tokens per day', standard: 200_000 },
  { key: 'tokensPerHour', name: 'tokens per hour', standard: 40_000 },
  { key: 'tokensPerProjectPerHour', name: 'tokens per project and hour', standard: 14_000 },
  { key: 'serverErrorsPerProjectPerHour', name: 'server errors per project and hour', standard: 10 },
  { key: 'potentiallyThresholdedRequestsPerHour', name: 'requests under thresholding per hour', standard: 120 },
] as const;

/** Where Google says that a report is not the whole truth; sentences without the report's name. */
export function accuracyFacts(answer: RunReportResponse): readonly string[] {
  const { metadata } = answer;
  const facts: string[] = [];
  for (const { samplesReadCount, samplingSpaceSize } of metadata?.samplingMetadatas ?? []) {
    const [read, all] = [Number(samplesReadCount), Number(samplingSpaceSize)];
    if (all > 0 && read < all)
      facts.push(`sampled: made from ${percent(read / all)} of the events (${read} of ${all}); fewer days a request are sampled less`);
  }
  if (metadata?.dataLossFromOtherRow === true)
    facts.push('rows are rolled into "(other)": too many combinations of dimensions for Google to keep apart');
  if (metadata?.subjectToThresholding === true) facts.push('subject to thresholding: rows of few users may be left out to protect them');
  for (const { metricName } of metadata?.schemaRestrictionResponse?.activeMetricRestrictions ?? []) {
    facts.push(`metric ${metricName ?? ''} is restricted for these credentials: its values are 0`);
  }
  return facts;
}

/** What is left of the property's quotas, e.g. `tokens per day: 199,990 left`. */
export function quotaFacts(answer: RunReportResponse): readonly string[] {
  return quotasOf(answer).map(({ name, remaining }) => `${name}: ${remaining.toLocaleString('en-US')} left`);
}

/** Quotas that are nearly used up: the next report like this one, or a tenth of a standard property's, would not fit. */
export function lowQuotas(answer: RunReportResponse): readonly string[] {
  return quotasOf(answer)
    .filter(({ consumed, remaining, standard }) => remaining <= Math.max(consumed, LOW_SHARE * standard))
    .map(({ name, remaining }) => `${name}: only ${remaining.toLocaleString('en-US')} left`);
}

function quotasOf(answer: RunReportResponse): { name: string; consumed: number; remaining: number; standard: number }[] {
  return QUOTAS.flatMap(({ key, name, standard }) => {
    const quota = answer.propertyQuota?.[key];
    return typeof quota?.remaining === 'number' ? [{ name, consumed: quota.consumed ?? 0, remaining: quota.remaining, standard }] : [];
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}
