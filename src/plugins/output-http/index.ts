import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ConfigError, defineOutput, type FileFormat, type FilePlan, type JsonObject, type OutputPlan } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { exchange } from '../shared/http/exchange.js';
import { openHttp, type HttpConnection } from '../shared/http/open-http.js';
import { copyFiles } from '../shared/object-output/index.js';
import { httpOutputSchema } from './schema.js';
import { sendFile, type SendOptions } from './send-rows.js';

export interface HttpOutputConfig extends HttpConnection, SendOptions {
  /** Filled in from `formatter`. */
  readonly format: FileFormat;
}

/** What a task wrote, in the run's temp folder: one JSON object a line. */
interface Staged {
  readonly path: string;
  readonly rows: number;
}

export default defineOutput<HttpOutputConfig>({
  kind: 'output',
  type: 'http',
  summary: 'Sends rows as JSON to an HTTP server when the run commits: at least once, with an idempotency key.',
  stability: 'stable',
  schema: httpOutputSchema,
  examples: [
    {
      title: 'Batches of an array',
      config: { type: 'http', url: 'https://api.example.com/v1/orders/bulk', auth: { type: 'bearer', token: 'example' }, wrap: 'records' },
    },
    {
      title: 'Refused rows are kept, the rest is sent',
      config: { type: 'http', url: 'https://api.example.com/v1/orders', body: 'object', refused_path: 'refused/orders.jsonl' },
    },
  ],
  takesFormat: { default: 'jsonl' },

  identify: (config) => Promise.resolve({ target: targetOf(config), name: targetOf(config), ignoresState: false }),

  plan(config, schema, ctx) {
    const file = config.format.plan(schema);
    if (file.format.form !== 'lines' || file.format.array === true || file.format.header !== null || file.encoded || file.copyOptions !== '') {
      throw configProblem(ctx.place, 'formatter', {
        code: 'HTTP_FORMAT',
        message: 'expected one JSON object a line, found another format or an encoder',
        hint: 'leave formatter and encoders out, or use formatter: {type: jsonl}',
      });
    }
    if (config.wrap !== undefined && config.body !== 'array') {
      throw configProblem(ctx.place, 'wrap', { code: 'HTTP_WRAP', message: `body: ${config.body} has no array to wrap`, hint: 'use body: array' });
    }
    return Promise.resolve({
      target: targetOf(config),
      name: targetOf(config),
      ignoresState: false,
      schemaChanges: [],
      notes: ['rows are sent at least once: a run that breaks off while it commits sends the request it was at again, with the same key'],
      details: { file: file as unknown as JsonObject },
    });
  },

  remove: () => Promise.resolve(),

  async stage(plan, relation, ctx) {
    const details = { file: fileOf(plan), partition: [], maxFileBytes: null };
    const { files, rows, statuses } = await copyFiles(details, relation, join(ctx.tempDir, `http-${randomUUID().slice(0, 8)}`), ctx.sql);
    const [file] = files;
    const staged: Staged = { path: file?.path ?? '', rows };
    // Nobody but the run's own temp folder knows of the file.
    return { rows, statuses, bytes: file?.bytes ?? 0, files: 0, staged: staged as unknown as JsonObject };
  },

  async commit(_plan, reports, _rejects, ctx, config) {
    const client = await openHttp(config);
    const totals = { sent: 0, refused: 0 };
    for (const [task, report] of reports.entries()) {
      const { path, rows } = report.staged as unknown as Staged;
      if (rows === 0) continue;
      const sent = await sendFile(client, config, { path, key: `${ctx.runId}-${task}` }, ctx);
      totals.sent += sent.sent;
      totals.refused += sent.refused;
    }
    ctx.reach('commit.target_loaded');
    const facts = { ...totals };
    await ctx.completeAlone(facts);
    return { details: facts };
  },

  async probe(config, ctx) {
    // Somebody waits for the answer.
    const client = await openHttp({ ...config, retry_limit: 0 });
    // Any answer but a refusal of the credentials shows a server that can be spoken to.
    const accept = new Set([400, 404, 405, 406, 411, 415, 422]);
    const request = { method: 'GET' as const, url: client.url, maxBytes: Number.POSITIVE_INFINITY, accept };
    return exchange(client, request, ctx, async (response) => {
      for await (const _ of response.body) break;
      return `${client.url.origin} answers ${response.status}`;
    });
  },
});

function fileOf(plan: OutputPlan): FilePlan {
  return plan.details['file'] as unknown as FilePlan;
}

function targetOf(config: HttpConnection): string {
  if (!URL.canParse(config.url))
    throw new ConfigError({ code: 'HTTP_URL', message: `out.url: expected a URL, found "${config.url}"`, hint: 'write it as https://host/path' });
  const { origin, pathname } = new URL(config.url);
  return origin + pathname;
}
