import type { WebTarget } from '../../core/config/index.js';
import type { JsonObject } from '../../core/spi/index.js';
import { detailsOf, headlineOf, isoTime, nameOf, type News } from './news.js';

const isoOrNull = (time: number | null): string | null => (time === null ? null : isoTime(time));

/** What a webhook gets: one JSON object; docs/serve.md describes it. */
function webhookBody(news: News, project: string): JsonObject {
  if ('sla' in news) {
    const { miss, promise, tags } = news.sla;
    return {
      event: news.event,
      project,
      schedule: { name: miss.schedule, tags },
      sla: {
        promise,
        kind: miss.kind,
        nominal_time: miss.kind === 'finish_within' ? isoTime(miss.nominalTime) : null,
        deadline: isoTime(miss.deadline),
        missed_at: isoTime(miss.missedAt),
        met_at: isoOrNull(miss.metAt),
      },
    };
  }
  const { job, error, result, status } = news.end;
  return {
    event: news.event,
    project,
    job: {
      id: job.id,
      name: job.name,
      kind: job.kind,
      trigger: job.trigger,
      status,
      attempts: job.attempts,
      nominal_time: isoOrNull(job.nominalTime),
      started_at: isoOrNull(job.startedAt),
      tags: job.tags,
    },
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint ?? null },
    rows_written: result?.rowsWritten ?? null,
    rows_rejected: result?.rowsRejected ?? null,
  };
}

const SIGNS: Readonly<Record<News['event'], string>> = {
  failure: ':red_circle:',
  recovery: ':large_green_circle:',
  rejects: ':warning:',
  sla_missed: ':hourglass:',
  sla_met: ':large_green_circle:',
};

/** The shape of Slack's incoming webhooks, which others understand, too. */
function slackBody(news: News, project: string): JsonObject {
  const { code, lines, command } = detailsOf(news);
  const [first, ...rest] = lines.map(escape);
  const text = [
    `*${escape(project)}: ${escape(nameOf(news))}* ${SIGNS[news.event]} ${headlineOf(news)}`,
    ...(first === undefined ? [] : [code === null ? first : `\`${code}\` ${first}`]),
    ...rest,
    `\`${command}\``,
  ].join('\n');
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3000) } }] };
}

export function bodyOf({ type }: Pick<WebTarget, 'type'>, news: News, project: string): JsonObject {
  return type === 'slack' ? slackBody(news, project) : webhookBody(news, project);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
