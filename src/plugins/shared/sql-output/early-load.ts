import type { CommitContext, OpenRunContext } from '../../../core/spi/index.js';
import type { TargetSession } from './target-session.js';
import { GrowingSpools, type GrowingSpool } from './growing-spools.js';
import type { DatabaseConfig, TablePlan } from './table-plan.js';

/** When rows are sent before the run commits. Times in milliseconds. */
export interface EarlyLimits {
  /** Staged bytes that are worth it. */
  readonly fromBytes: number;
  /** How long the open transaction waits for more rows: at a time, and altogether. */
  readonly waitMs: number;
  readonly waitsMs: number;
  readonly pollMs: number;
}

const EARLY_LIMITS: EarlyLimits = { fromBytes: 4 << 20, waitMs: 5_000, waitsMs: 60_000, pollMs: 10 };

/** What a commit is about. */
export interface StagedRows {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly rows: number;
}

export interface EarlyLoadOptions {
  readonly plan: TablePlan;
  readonly config: DatabaseConfig;
  readonly run: OpenRunContext;
  /** No newline stands within a line of the spools. */
  readonly newlineEndsLine: boolean;
  /** When the signal is aborted, the connection is cut, and the server rolls back. */
  open(signal: AbortSignal): Promise<TargetSession>;
  readonly limits?: EarlyLimits;
}

type End = { readonly committed: boolean } | { readonly error: unknown };

/**
 * A load that begins while its rows are still being staged: the transaction of the commit, but its bytes come from files that grow,
 * and before its checks and its ledger row it waits for the commit. It only saves time: whenever what was sent is not exactly what
 * is committed, or the transaction would stay open for long, it is given up, and the commit sends the finished files.
 */
export class EarlyLoad {
  readonly #options: EarlyLoadOptions;
  readonly #limits: EarlyLimits;
  readonly #spools: GrowingSpools;
  readonly #tasks = new Set<number>();
  #work: Promise<End> | undefined;
  #end: End | undefined;
  readonly #abort = new AbortController();
  /** Why nothing of it will be used. */
  #givenUp: string | undefined;
  #staged: StagedRows | undefined;
  #sentAll = false;
  #waits = 0;
  #tellSent: (found: { readonly rows: number; readonly commit: CommitContext }) => void = () => undefined;
  readonly #sent = new Promise<{ readonly rows: number; readonly commit: CommitContext }>((resolve) => (this.#tellSent = resolve));

  constructor(options: EarlyLoadOptions) {
    this.#options = options;
    this.#limits = options.limits ?? EARLY_LIMITS;
    this.#spools = new GrowingSpools(options.newlineEndsLine);
  }

  /** A task begins to fill a folder. Undefined: its rows are not sent early. */
  watch(task: number, folder: string): GrowingSpool | undefined {
    if (this.#tasks.has(task)) this.giveUp('a task was staged a second time');
    this.#tasks.add(task);
    if (this.#givenUp !== undefined) return undefined;
    const spool = this.#spools.add(folder);
    this.#work ??= this.#run();
    return spool;
  }

  giveUp(reason: string): void {
    if (this.#givenUp !== undefined || this.#end !== undefined) return;
    this.#givenUp = reason;
    this.#options.run.log.log('debug', 'rows are not sent before the commit', { table: this.#options.plan.table.join('.'), reason });
    // The server lets go of the ledger's lock when it has rolled back; the commit waits for that.
    this.#abort.abort(new Error(reason));
  }

  /** Sends what is left and commits. False: nothing was written, so all of it is to be sent. */
  async finish(staged: StagedRows, commit: CommitContext): Promise<boolean> {
    if (!this.#work || this.#staged) return false;
    if (!this.#spools.areExactly(staged.files)) this.giveUp('the files to commit are not those of this process');
    if (this.#givenUp === undefined) {
      this.#staged = staged;
      this.#tellSent({ rows: staged.rows, commit });
    }
    const end = await this.#work;
    if ('committed' in end) return end.committed;
    // Whatever kept the rows from being sent is met again, or not, by those who send them now.
    if (!this.#sentAll) return false;
    throw end.error;
  }

  async close(): Promise<void> {
    this.giveUp('the run has ended');
    await this.#work;
  }

  async #run(): Promise<End> {
    try {
      this.#end = { committed: await this.#load() };
    } catch (error) {
      this.#end = { error };
      const { log } = this.#options.run;
      if (!this.#sentAll && this.#givenUp === undefined)
        log.log('info', 'rows could not be sent before the commit', { error: error instanceof Error ? error.message : String(error) });
    } finally {
      // Whoever read its bytes has gone, but more of them may still be waited for.
      this.#abort.abort();
    }
    return this.#end;
  }

  async #load(): Promise<boolean> {
    const { plan, config } = this.#options;
    const signal = AbortSignal.any([this.#options.run.signal, this.#abort.signal]);
    const run = { ...this.#options.run, signal };
    while ((await this.#spools.countBytes()) < this.#limits.fromBytes) {
      if (this.#staged || this.#givenUp !== undefined) return false;
      await run.clock.sleep(this.#limits.pollMs, signal);
    }
    const session = await this.#options.open(signal);
    try {
      const reason = await session.refuseEarly(plan, run);
      if (reason !== undefined) this.giveUp(reason);
      if (this.#givenUp !== undefined) return false;
      return await session.load({ plan, config, run, early: true, bytes: () => this.#bytes(), sent: this.#sent });
    } finally {
      await session.end();
    }
  }

  async *#bytes(): AsyncIterable<Buffer> {
    const { run } = this.#options;
    let waiting = 0;
    let chunks = 0;
    const waitForMore = async (): Promise<void> => {
      const before = run.clock.now();
      await run.clock.sleep(this.#limits.pollMs, this.#abort.signal);
      const waited = run.clock.now() - before;
      waiting += waited;
      this.#waits += waited;
      if (!this.#staged && (waiting > this.#limits.waitMs || this.#waits > this.#limits.waitsMs)) this.giveUp('the source is slower than the target');
      this.#assertWanted();
    };
    for await (const chunk of this.#spools.bytes(() => this.#staged !== undefined, waitForMore)) {
      this.#assertWanted();
      waiting = 0;
      yield chunk;
      if (++chunks === 1) run.reach('commit.target_early');
    }
    const sent = this.#spools.sentBytes;
    if (sent !== this.#staged?.bytes) {
      this.giveUp(`${sent} bytes were sent of ${this.#staged?.bytes} that are staged`);
      this.#assertWanted();
    }
    this.#sentAll = true;
  }

  #assertWanted(): void {
    if (this.#givenUp !== undefined) throw new Error(this.#givenUp);
  }
}
