import { DataError, RemoteError, type TaskContext } from '../../core/spi/index.js';
import type { AnalyticsClient, RunReportResponse } from './analytics-client.js';
import type { GoogleAnalyticsConfig, ReportTask } from './config.js';
import { accuracyFacts, lowQuotas } from './report-facts.js';
import type { ReportShape, RunReportRequest } from './report-shape.js';
import { taskName, type ApiRow, type RowReader } from './row-values.js';

export interface ReportReading {
  readonly client: AnalyticsClient;
  readonly config: GoogleAnalyticsConfig;
  readonly shape: ReportShape;
  readonly request: RunReportRequest;
  readonly task: ReportTask;
  readonly read: RowReader;
}

/**
 * The report of one task, page by page. Rows that were handed out cannot be taken back: whatever shows that pages do not
 * fit together ends the task with a retryable error, and the engine reads it again from its start.
 */
export async function* readReport(reading: ReportReading, ctx: TaskContext): AsyncGenerator<(string | null)[][]> {
  const { client, config, request, task } = reading;
  const name = taskName(task);
  const size = Math.min(config.page_size ?? 50_000, config.row_limit ?? Infinity);
  let total: number | undefined;
  let others = 0;
  for (let offset = 0, page = 1; ; page++) {
    const wanted = Math.min(size, (config.row_limit ?? Infinity) - offset);
    const body = { ...request, dateRanges: [{ startDate: task.start, endDate: task.end }], offset: String(offset), limit: String(wanted) };
    const answer = await client.runReport(body, `reading the report of ${name}, page ${page}`, ctx);
    const count = answer.rowCount ?? 0;
    if (total !== undefined && total !== count) throw changing(name, `${count} rows instead of ${total} on page ${page}`);
    total = count;
    checkAnswer(answer, reading);
    const rows = (answer.rows ?? []) as readonly ApiRow[];
    const end = Math.min(total, config.row_limit ?? Infinity);
    const expected = Math.max(0, Math.min(wanted, end - offset));
    if (rows.length !== expected) throw changing(name, `${rows.length} rows instead of ${expected} on page ${page} of ${total} rows`);
    others += rows.filter((row) => row.dimensionValues?.some(({ value }) => value === '(other)') === true).length;
    if (rows.length > 0) yield rows.map(reading.read);
    offset += rows.length;
    if (offset < end) continue;
    tell(answer, name, others, ctx);
    return;
  }
}

function changing(name: string, found: string): RemoteError {
  return new RemoteError({
    code: 'GA_REPORT_CHANGED',
    message: `Google Analytics: the report of ${name} changed while it was read: ${found}`,
    hint: 'it is read again from its start; data of the last days is still coming in, so end_date: 3daysAgo or a larger page_size helps',
    retryable: true,
  });
}

/** The answer must be of the report that was planned. */
function checkAnswer(answer: RunReportResponse, { shape, task }: ReportReading): void {
  const fail = (expected: string, found: string): never => {
    throw new DataError({
      code: 'GA_PLAN_CHANGED',
      message: `Google Analytics, ${taskName(task)}: expected ${expected}, found ${found}`,
      hint: 'run again: a new plan is made from how the property is now',
    });
  };
  const zone = answer.metadata?.timeZone;
  if (typeof zone === 'string' && zone !== task.zone) fail(`the property's time zone of the plan, ${task.zone}`, zone);
  const headers = [...(answer.dimensionHeaders ?? []), ...(answer.metricHeaders ?? [])].map((header) => header.name ?? '');
  const names = [...shape.dimensions, ...shape.visible].map((field) => field.name);
  if (headers.length > 0 && headers.join('\n') !== names.join('\n')) fail(`the columns ${names.join(', ')}`, headers.join(', '));
}

/** For the log and for the run's report. */
function tell(answer: RunReportResponse, name: string, others: number, ctx: TaskContext): void {
  const say = (text: string): void => {
    ctx.log.log('warn', text, { report: name });
    ctx.note?.(text);
  };
  for (const fact of accuracyFacts(answer)) say(`report of ${name}: ${fact}`);
  if (others > 0) say(`report of ${name} has ${others} ${others === 1 ? 'row' : 'rows'} named "(other)"`);
  for (const quota of lowQuotas(answer)) say(`Google Analytics quota: ${quota}`);
}
