import { inspect } from 'node:util';
import { BugError, type InputPlan, type InputPlanContext, type JsonObject, type JsonValue, type TaskContext } from '../../../src/core/spi/index.js';
import type { GoogleAnalyticsConfig } from '../../../src/plugins/input-google-analytics/config.js';
import input from '../../../src/plugins/input-google-analytics/index.js';
import type { AnalyticsServer } from '../../servers/google-analytics.js';

/** Noon of 2024-05-10 in Tokyo, the server's today. */
export const NOW = Date.parse('2024-05-10T03:00:00Z');

/** A context whose clock stands still but for the sleeps, which it remembers. */
export class PluginRun {
  now = NOW;
  readonly sleeps: number[] = [];
  readonly logs: string[] = [];
  readonly abort = new AbortController();
  readonly ctx: InputPlanContext & TaskContext;

  constructor(state?: JsonValue, useState = true) {
    this.ctx = {
      signal: this.abort.signal,
      log: { log: (level: string, message: string, fields?: object) => void this.logs.push(`${level} ${message} ${inspect(fields)}`) },
      clock: {
        now: () => this.now,
        sleep: (ms: number) => {
          this.sleeps.push(ms);
          this.now += ms;
          return Promise.resolve();
        },
      },
      root: '/nowhere',
      tempDir: '/nowhere',
      place: { at: (path: string) => ({ path: `in.${path}` }) },
      state,
      useState,
      reach: () => undefined,
      progress: () => undefined,
      rejectsSoFar: () => undefined,
      resource: (name: string) => Promise.reject(new BugError({ code: 'RESOURCE_MISSING', message: name })),
    } as unknown as InputPlanContext & TaskContext;
  }

  plan(config: GoogleAnalyticsConfig): Promise<InputPlan> {
    return input.plan(config, this.ctx);
  }

  /** Rows of all tasks, each as one list of text values. */
  async read(config: GoogleAnalyticsConfig, plan?: InputPlan): Promise<(string | null)[][]> {
    const planned = plan ?? (await this.plan(config));
    const rows: (string | null)[][] = [];
    for (const task of planned.tasks) rows.push(...(await this.readTask(config, planned, task)));
    return rows;
  }

  async readTask(config: GoogleAnalyticsConfig, plan: InputPlan, task: JsonObject): Promise<(string | null)[][]> {
    const source = await input.open(task, plan, config, this.ctx);
    if (source.form !== 'rows') throw new Error(`form ${source.form}`);
    const rows: (string | null)[][] = [];
    for await (const batch of source.batches()) rows.push(...(batch as (string | null)[][]));
    return rows;
  }

  state(config: GoogleAnalyticsConfig, plan: InputPlan): JsonValue | undefined {
    return input.nextState?.(plan, this.ctx.useState ? this.ctx.state : undefined, config);
  }
}

export function configOf(server: AnalyticsServer, extra: Partial<GoogleAnalyticsConfig> = {}): GoogleAnalyticsConfig {
  return {
    type: 'google_analytics',
    property: server.property.number,
    json_keyfile: { content: server.key },
    endpoint: server.url,
    dimensions: ['date', 'country'],
    metrics: ['eventCount'],
    start_date: '3daysAgo',
    time_column: 'time',
    ...extra,
  };
}

/** One visit; `minute` is local. */
export function hit(
  minute: string,
  country: string,
  eventCount = 1,
): { minute: string; dimensions: { country: string }; metrics: { eventCount: number } } {
  return { minute, dimensions: { country }, metrics: { eventCount } };
}

export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean | undefined;
  readonly path: string | undefined;
}

/** The error of work that must fail; nothing secret may be in it, however it is printed. */
export async function errorOf(server: AnalyticsServer, work: () => Promise<unknown>): Promise<ShownError> {
  try {
    await work();
  } catch (error) {
    refuseSecrets(server, `${inspect(error, { depth: 12, showHidden: true })}${String((error as Error).stack)}${JSON.stringify(error)}`);
    const { code, message, hint, retryable, where } = error as ShownError & { where?: { path?: string } };
    return { code, message, hint, retryable, path: where?.path };
  }
  throw new Error('expected an error, but the call succeeded');
}

export function refuseSecrets(server: AnalyticsServer, text: string): void {
  const { private_key: key } = JSON.parse(server.key) as { private_key: string };
  const secrets = ['ya29.', 'canary', 'BEGIN PRIVATE', key.slice(60, 100), server.clientSecret, server.refreshToken];
  for (const secret of secrets) if (text.includes(secret)) throw new Error(`a secret is shown (${secret.slice(0, 12)}…): ${text.slice(0, 2000)}`);
  if (/eyJ[\w-]{20,}\./.test(text)) throw new Error(`an assertion is shown: ${text.slice(0, 2000)}`);
}
