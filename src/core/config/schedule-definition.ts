import type { ErrorPlace, JsonObject } from '../spi/index.js';
import type { CronExpression } from '../schedule/cron-expression.js';
import type { Zone } from '../schedule/zoned-time.js';

export type CatchUp = 'all' | 'latest' | 'none';
export type Overlap = 'skip' | 'queue' | 'allow' | 'cancel_previous';

/** What a schedule promises; null: nothing of the kind. */
export interface ScheduleSla {
  /** Each nominal time has succeeded so long after it. */
  readonly finishWithinSecs: number | null;
  /** The last success is never older. */
  readonly maxAgeSecs: number | null;
}

/** A schedule, validated: when, what, and what to do when that does not go smoothly. */
export interface ScheduleDefinition {
  readonly name: string;
  /** Of the schedule's name in its file. */
  readonly place: ErrorPlace;
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  readonly times: ScheduleTimes;
  readonly delaySecs: number;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  /** Null: no limit. */
  readonly timeoutSecs: number | null;
  readonly retries: { readonly limit: number; readonly initialWaitSecs: number; readonly maxWaitSecs: number };
  readonly dependsOn: readonly string[];
  readonly enabled: boolean;
  readonly priority: number;
  readonly tags: readonly string[];
  /** Null: it promises nothing. */
  readonly sla: ScheduleSla | null;
  /** Of what is promised for which times; empty: nothing is. */
  readonly slaHash: string;
  /** Names of `serve.notify`. */
  readonly notify: readonly string[];
  /** Connections of sluice.yml that the work uses; their limits hold for its jobs. */
  readonly connections: readonly string[];
  readonly payload: SchedulePayload;
  /** Pipelines that keep a state: two jobs of them at once would read the same. */
  readonly keepsState: readonly string[];
  /** Targets to which a second run of a period adds its rows once more. */
  readonly appends: readonly string[];
  /** Of all that the schedule says. */
  readonly hash: string;
  /** Of what decides its times: the store computes the next one anew when it differs. */
  readonly timesHash: string;
}

/** `cron` and `timezone`, read. */
export interface ScheduleTimes {
  readonly cron: CronExpression;
  readonly zone: Zone;
}

/** What the jobs of a schedule run, but the period; plain JSON without secrets. */
export type SchedulePayload = SchedulePipeline | ScheduleSql | { readonly kind: 'maintain' };

export type SchedulePipeline = {
  readonly kind: 'pipeline';
  /** Path from the project's root. */
  readonly file?: string;
  /** One of the file's pipelines; all when left out. */
  readonly pipeline?: string;
  /** `{in, filters, out, exec, checks}` instead of a file. */
  readonly definition?: JsonObject;
};

export type ScheduleSql = {
  readonly kind: 'sql';
  readonly sql: string;
  /** Values of `$name` parameters. */
  readonly params?: JsonObject;
  /** `{table, mode, keys, …}`: keys of the warehouse output. */
  readonly into?: JsonObject;
  /** An `out` section or the name of a connection with a table; no URL with a password. */
  readonly out?: JsonObject;
  readonly checks?: readonly JsonObject[];
};
