import type { HttpConfig } from '../../core/config/index.js';
import type { Clock, JsonObject, Logger, NewJob } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { Warehouse } from '../../warehouse/index.js';

/** What the API tells of a schedule and needs to run it by name; a `ScheduleDefinition` is one. */
export interface HttpSchedule {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly delaySecs: number;
  readonly catchUp: string;
  readonly overlap: string;
  readonly timeoutSecs: number | null;
  readonly retries: { readonly limit: number; readonly initialWaitSecs: number; readonly maxWaitSecs: number };
  readonly dependsOn: readonly string[];
  readonly enabled: boolean;
  readonly priority: number;
  readonly tags: readonly string[];
  /** Names of the connections it works with; their limits hold for its jobs. */
  readonly connections: readonly string[];
  /** A `JobPayload` without its period. */
  readonly payload: object;
}

/** A pipeline of the project that may be run by its name. */
export interface HttpPipeline {
  /** As requests name it. */
  readonly name: string;
  /** Path from the project's root. */
  readonly file: string;
  /** One of the file's pipelines; undefined: all. */
  readonly pipeline?: string;
  readonly connections: readonly string[];
}

/** What the HTTP API answers from. It opens nothing and closes nothing of it. */
export interface HttpDependencies {
  readonly config: HttpConfig;
  /** The project's root: relative paths of the config start here. */
  readonly root: string;
  readonly version: string;
  readonly store: Metastore;
  readonly warehouse: Warehouse;
  /** As of now: the project's files may change while the server runs. */
  schedules(): readonly HttpSchedule[];
  pipelines(): readonly HttpPipeline[] | Promise<readonly HttpPipeline[]>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes a job and wakes whoever runs it; answers its id. */
  enqueue(job: NewJob): Promise<string>;
  /** Milliseconds that results of SQL jobs are kept; undefined: the runner's default. */
  readonly keepResultMs?: number;
  /** Why this process should get no requests now, such as draining; undefined: it is ready. */
  notReady?(): string | undefined;
  /** Further figures for `/metrics`. */
  gauges?(): Promise<readonly Gauge[]>;
}

export interface Gauge {
  /** `sluice_…`, with the unit. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** A payload read as plain JSON. */
export function payloadOf(of: { readonly payload: object }): JsonObject {
  return of.payload as JsonObject;
}
