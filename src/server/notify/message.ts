import type { NotifyEvent, NotifyTarget } from '../../core/config/index.js';
import type { JsonObject } from '../../core/spi/index.js';
import type { EndedTry } from '../runner/job-runner.js';

/** What a webhook gets: one JSON object; docs/serve.md describes it. */
function webhookBody(event: NotifyEvent, { job, error, result, status }: EndedTry, project: string): JsonObject {
  const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
  return {
    event,
    project,
    job: {
      id: job.id,
      name: job.name,
      kind: job.kind,
      trigger: job.trigger,
      status,
      attempts: job.attempts,
      nominal_time: iso(job.nominalTime),
      started_at: iso(job.startedAt),
      tags: job.tags,
    },
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint ?? null },
    rows_written: result?.rowsWritten ?? null,
    rows_rejected: result?.rowsRejected ?? null,
  };
}

const HEADLINES: Readonly<Record<NotifyEvent, string>> = {
  failure: ':red_circle: failed',
  recovery: ':large_green_circle: works again',
  rejects: ':warning: rejected more records than allowed',
};

/** The shape of Slack's incoming webhooks, which others understand, too. */
function slackBody(event: NotifyEvent, end: EndedTry, project: string): JsonObject {
  const { job, error } = end;
  const time = job.nominalTime === null ? '' : ` for ${new Date(job.nominalTime).toISOString()}`;
  const lines = [
    `*${escape(project)}: ${escape(job.name)}* ${HEADLINES[event]}${time}`,
    ...(error === null ? [] : [`\`${error.code}\` ${escape(error.message)}`]),
    ...(error?.hint === undefined ? [] : [escape(error.hint)]),
    `\`sluice job log ${job.id}\``,
  ];
  const text = lines.join('\n');
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3000) } }] };
}

export function bodyOf(target: Pick<NotifyTarget, 'type'>, event: NotifyEvent, end: EndedTry, project: string): JsonObject {
  return target.type === 'slack' ? slackBody(event, end, project) : webhookBody(event, end, project);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
