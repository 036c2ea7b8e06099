import type { HttpConfig, ScheduleDefinition } from '../../core/config/index.js';
import type { Clock, Logger, NewJob } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { Warehouse } from '../../warehouse/index.js';
import type { RequestTraces } from '../telemetry/trace-requests.js';

/** A pipeline of the project that may be run by its name. */
export interface HttpPipeline {
  /** As requests name it. */
  readonly name: string;
  /** Path from the project's root. */
  readonly file: string;
  /** One of the file's pipelines; undefined: all. */
  readonly pipeline?: string;
  /** Connections it works with: their limits hold for its jobs. */
  connections(): Promise<readonly string[]>;
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
  schedules(): readonly ScheduleDefinition[];
  pipelines(): readonly HttpPipeline[] | Promise<readonly HttpPipeline[]>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly traces?: RequestTraces | undefined;
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
