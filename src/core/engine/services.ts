import type { Clock, Logger, Point, RunStore, StoreTransaction } from '../spi/index.js';
import type { RunEvent } from './events.js';
import type { ObserveStep } from './steps.js';

/** What the compositions (CLI, server, tests) give the engine. */
export interface EngineServices {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Who runs, for lease messages: host, pid, user. */
  readonly holder: string;
  readonly random: () => number;
  reach(point: Point): void;
  onEvent(event: RunEvent): void;
  /** Watches the parts of runs. */
  readonly observe?: ObserveStep;
  /** See PluginContext.resource. */
  resource(name: string): Promise<unknown>;
}

export interface RunOptions {
  /** `auto`: continue an unfinished run when it still fits, else start anew. `required`: refuse when it does not fit. */
  readonly resume: 'auto' | 'required';
  /** Stop before the commit; `commitHeld` or `discardRun` ends it. */
  readonly hold: boolean;
  /** Read everything and replace the target, whatever the state says. */
  readonly fullRefresh: boolean;
  /** Plan only. */
  readonly dryRun: boolean;
  /**
   * False: a further attempt at a period (by hand, a backfill). It neither reads nor stores a state, and has its own lease and
   * unfinished runs, so that it neither waits for nor continues the pipeline's ordinary run.
   */
  readonly movesState?: boolean;
  /** Nominal time of the schedule's period, milliseconds since 1970; also what freshness is judged by. */
  readonly scheduledTime?: number;
  /** Runs in the commit's transaction, before the run is marked committed; throwing undoes the commit (a period that was loaded before). */
  readonly beforeCommit?: (tx: StoreTransaction) => Promise<void>;
  /** State to start from where the store has none (`-c state.yml`). */
  readonly initialState?: import('../spi/index.js').JsonValue;
  /** Stored with the run, so that `sluice commit RUN` can load the pipeline again: file and config with secrets as references. */
  readonly origin: import('../spi/index.js').JsonObject;
}
