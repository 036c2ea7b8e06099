import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { test as uvuTest } from 'uvu';
import { openLab, type Lab } from '../../../../src/conformance/lab.js';
import { systemClock } from '../../../../src/cli/environment.js';
import type {
  Clock,
  CommitContext,
  OpenRunContext,
  OutputPlan,
  OutputPlugin,
  Point,
  RunWriter,
  StageReport,
} from '../../../../src/core/spi/index.js';
import type { DatabaseConfig } from '../../../../src/plugins/shared/sql-output/table-plan.js';
import type { CrashTarget } from './crash-target.js';

const ROWS = 50_000;
const SCHEMA = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
] as const;

interface Options {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Tells why rows are not sent early. */
  onReason?(reason: string): void;
}

/** One run of an output, step by step: a task is staged or the run is committed when the test says so. */
class Steps {
  readonly points: Point[] = [];
  readonly lab: Lab;
  readonly #plugin: OutputPlugin<DatabaseConfig>;
  readonly #config: DatabaseConfig;
  readonly #plan: OutputPlan;
  readonly #run: OpenRunContext;
  readonly writer: RunWriter;
  #tellSent: () => void = () => undefined;
  /** Rows have been sent before the commit. */
  readonly sent = new Promise<void>((resolve) => (this.#tellSent = resolve));

  private constructor(lab: Lab, plugin: OutputPlugin<DatabaseConfig>, config: DatabaseConfig, plan: OutputPlan, options: Options) {
    this.lab = lab;
    this.#plugin = plugin;
    this.#config = config;
    this.#plan = plan;
    this.#run = {
      ...lab.context(options.signal === undefined ? {} : { signal: options.signal }),
      clock: options.clock ?? systemClock,
      log: { log: (_level, _text, fields) => options.onReason?.(String(fields?.['reason'])) },
      reach: (point) => {
        this.points.push(point);
        if (point === 'commit.target_early') this.#tellSent();
      },
      runId: 'run-1',
      key: { project: 'p', pipeline: 'load', stream: '', target: plan.target },
      fence: 1,
      asksTable: false,
    };
    const writer = plugin.openRun?.(plan, this.#run, config);
    assert.ok(writer);
    this.writer = writer;
  }

  static async open(plugin: OutputPlugin<DatabaseConfig>, target: CrashTarget, options: Options = {}): Promise<Steps> {
    const lab = await openLab();
    const config = {
      ...target.connection,
      password: target.password,
      table: 't',
      mode: 'append',
      schema_evolution: 'strict',
      column_options: {},
      default_timezone: 'UTC',
      ledger: 'table',
      allow_empty: false,
    } as unknown as DatabaseConfig;
    const plan = await plugin.plan(config, SCHEMA, { ...lab.context(), place: lab.place, fullRefresh: false, startedAt: Date.now() });
    return new Steps(lab, plugin, config, plan, options);
  }

  /** Rows of a task, of ids that no other task has; by the plugin itself as if another process had staged them. */
  async stage(task: number, elsewhere = false): Promise<StageReport> {
    const tempDir = join(this.lab.context().tempDir, String(task));
    await mkdir(tempDir, { recursive: true });
    const select = `SELECT ${task * ROWS} + i AS id, repeat('x', 150) AS name, 0::INTEGER AS __status FROM range(${ROWS}) AS r(i)`;
    const relation = { select, schema: SCHEMA, statusColumn: '__status' };
    const ctx = { ...this.lab.context(), task, tempDir };
    return elsewhere ? this.#plugin.stage(this.#plan, relation, ctx, this.#config) : this.writer.stage(relation, ctx);
  }

  async commit(reports: readonly StageReport[]): Promise<void> {
    const ctx: CommitContext = {
      ...this.#run,
      state: { at: 1 },
      tableChecks: { checks: [], judge: () => undefined },
      complete: () => Promise.reject(new Error('this output commits alone')),
      completeAlone: () => Promise.resolve(),
    };
    await this.writer.commit(reports, [], ctx);
  }

  get transactions(): number {
    return this.points.filter((point) => point === 'commit.target_open').length;
  }
}

/** Steps of a load that is sent early, in an order that the tests decide. `triggers`: statements that give the table one. */
export function addEarlyWriterTests(
  test: typeof uvuTest,
  plugin: OutputPlugin<DatabaseConfig>,
  open: () => Promise<CrashTarget>,
  triggers: readonly string[],
): void {
  const withSteps = async (work: (steps: Steps, target: CrashTarget) => Promise<void>, options: Options = {}, before: readonly string[] = []) => {
    const target = await open();
    for (const sql of ['CREATE TABLE t (id bigint PRIMARY KEY, name text)', ...before]) await target.run(sql);
    const steps = await Steps.open(plugin, target, options);
    try {
      await work(steps, target);
    } finally {
      await steps.writer.close();
      await steps.lab.close();
      await target.close();
    }
  };
  const assertRows = async (target: CrashTarget, rows: number): Promise<void> => {
    assert.equal(await target.values('SELECT count(*) FROM t'), [String(rows)]);
    assert.equal(await target.values('SELECT count(DISTINCT id) FROM t'), [String(rows)]);
  };

  test('rows go to the server while others are staged, and are seen when they are committed', () =>
    withSteps(async (steps, target) => {
      const first = await steps.stage(0);
      await steps.sent;
      await assertRows(target, 0);
      assert.equal(await target.values('SELECT count(*) FROM sluice_ledger'), ['0']);
      await steps.commit([first, await steps.stage(1)]);
      await assertRows(target, 2 * ROWS);
      assert.is(steps.transactions, 1);
      assert.equal(await target.values('SELECT state FROM sluice_ledger'), ['{"at":1}']);
      await steps.commit([first]);
      await assertRows(target, 2 * ROWS);
    }));

  test('a run that ends without a commit leaves neither rows nor locks', () =>
    withSteps(async (steps, target) => {
      await steps.stage(0);
      await steps.sent;
      await steps.writer.close();
      await target.run('DROP TABLE t');
    }));

  test('nothing is waited for any more once a run was stopped', () => {
    const stop = new AbortController();
    let early = false;
    let tellAsleep: (signal: AbortSignal | undefined) => void = () => undefined;
    const asleep = new Promise<AbortSignal | undefined>((resolve) => (tellAsleep = resolve));
    let tellEnded: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (tellEnded = resolve));
    const sleep: Clock['sleep'] = (ms, signal) => {
      if (!early) return systemClock.sleep(ms, signal);
      tellAsleep(signal);
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    return withSteps(
      async (steps) => {
        await steps.stage(0);
        await steps.sent;
        early = true;
        const waiting = await asleep;
        stop.abort(new Error('stopped'));
        await ended;
        await steps.writer.close();
        assert.is(waiting?.aborted, true, 'a timer would keep the process alive for good');
      },
      { clock: { ...systemClock, sleep }, signal: stop.signal, onReason: () => tellEnded() },
    );
  });

  let now = 0;
  let tell: (reason: string) => void = () => undefined;
  const told = new Promise<string>((resolve) => (tell = resolve));
  const clock: Clock = {
    now: () => now,
    sleep: async () => {
      now += 1000;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };

  test('the transaction does not wait long for a slow source', () =>
    withSteps(
      async (steps, target) => {
        const first = await steps.stage(0);
        assert.match(await told, 'slower');
        // Nobody waits for it any more.
        await target.run('INSERT INTO t VALUES (0, NULL)');
        await target.run('DELETE FROM t');
        await steps.commit([first, await steps.stage(1)]);
        await assertRows(target, 2 * ROWS);
        assert.is(steps.transactions, 2);
      },
      { clock, onReason: tell },
    ));

  test('what was sent is not used when a task is staged again', () =>
    withSteps(async (steps, target) => {
      await steps.stage(0);
      await steps.sent;
      const again = await steps.stage(0);
      await steps.commit([again]);
      await assertRows(target, ROWS);
      assert.is(steps.transactions, 2);
    }));

  test('what was sent is not used when there are files that it lacks', () =>
    withSteps(async (steps, target) => {
      const first = await steps.stage(0);
      await steps.sent;
      await steps.commit([first, await steps.stage(1, true)]);
      await assertRows(target, 2 * ROWS);
      assert.is(steps.transactions, 2);
    }));

  test('a table with a trigger gets its rows at the commit', () => {
    let refuse: (reason: string) => void = () => undefined;
    const refused = new Promise<string>((resolve) => (refuse = resolve));
    return withSteps(
      async (steps, target) => {
        const first = await steps.stage(0);
        assert.match(await refused, 'trigger');
        assert.is(steps.transactions, 0);
        await steps.commit([first]);
        await assertRows(target, ROWS);
      },
      { onReason: refuse },
      triggers,
    );
  });
}
