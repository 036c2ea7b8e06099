import { stringify } from 'yaml';
import * as assert from 'uvu/assert';
import type { test as uvuTest } from 'uvu';
import type { JsonObject, Point } from '../../../../src/core/spi/index.js';
import { runProgram, startProgram } from '../../../reliability/program.js';
import { FULL, makeProject, type Project } from '../../../reliability/project.js';
import { startCutProxy } from '../../../servers/cut-proxy.js';

/** A database of a real server that crash tests load into. */
export interface CrashTarget {
  /** Connection keys of the output, without the password. */
  readonly connection: JsonObject;
  readonly password: string;
  readonly port: number;
  /** Values of a query's first column, as texts. */
  values(sql: string): Promise<readonly string[]>;
  run(sql: string): Promise<void>;
  /** As in a power failure. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export const SECRET = 'CRASH_TARGET_PASSWORD';
/** Those that matter most; the full rounds take all. */
const SHORT: readonly Point[] = ['commit.ledger_written', 'commit.target_committed'];
const ALL: readonly Point[] = [
  'commit.started',
  'commit.target_open',
  'commit.target_filled',
  'commit.ledger_written',
  'commit.target_committed',
  'commit.state_stored',
];
const POINTS = FULL ? ALL : SHORT;
const ROWS = 200;

/** Runs of one pipeline that appends files to the table `t`. */
export class Loads {
  readonly target: CrashTarget;
  readonly project: Project;
  #files = 0;

  private constructor(target: CrashTarget, project: Project) {
    this.target = target;
    this.project = project;
  }

  static async open(target: CrashTarget, out: JsonObject): Promise<Loads> {
    const project = await makeProject({ env: { [SECRET]: target.password } });
    const loads = new Loads(target, project);
    await loads.configure(out);
    return loads;
  }

  async configure(out: JsonObject, exec: JsonObject = {}): Promise<void> {
    const columns = [
      { name: 'id', type: 'long' },
      { name: 'name', type: 'string' },
    ];
    await this.project.write(
      'load.yml',
      stringify({
        in: { type: 'file', path_prefix: 'data/', parser: { type: 'csv', columns } },
        out: { ...this.target.connection, password: { env: SECRET }, table: 't', ...out },
        exec: { retry: { limit: 5, initial_wait_secs: 0.2 }, ...exec },
      }),
    );
  }

  /** A further file, of ids that no other one has. */
  async addFile(rows = ROWS, padding = ''): Promise<void> {
    const first = 1_000_000 * this.#files++;
    const lines = Array.from({ length: rows }, (_, i) => `${first + i},"name ${i}${padding}"\n`);
    await this.project.write(`data/${this.#files}.csv`, lines.join(''));
  }

  async run(reach: (point: Point) => void = () => undefined): Promise<{ readonly code: number; readonly told: string }> {
    const { code, stdout, stderr } = await this.project.sluice(['run', 'load.yml', '--json'], { reach });
    return { code, told: stdout + stderr };
  }

  /** Running again leaves each row of every file once. */
  async assertComplete(rows: number, what: string): Promise<void> {
    const end = await this.run();
    assert.is(end.code, 0, `${what}: ${end.told}`);
    await this.assertRows(rows, what);
    if (FULL) assert.match((await this.run()).told, /"status":"up-to-date"/, what);
  }

  async assertRows(rows: number, what: string): Promise<void> {
    const found = [await this.target.values('SELECT count(*) FROM t'), await this.target.values('SELECT count(DISTINCT id) FROM t')];
    assert.equal(found, [[String(rows)], [String(rows)]], what);
  }
}

/** Kills the program and the server, and cuts the connection, at every step of a commit: each row comes exactly once. */
export function addCrashTests(test: typeof uvuTest, open: () => Promise<CrashTarget>): void {
  const withLoads = async (out: JsonObject, work: (loads: Loads) => Promise<void>): Promise<void> => {
    const target = await open();
    const loads = await Loads.open(target, out);
    try {
      await work(loads);
    } finally {
      await loads.project.remove();
      await target.close();
    }
  };
  const env = (loads: Loads): { env: Record<string, string> } => ({ env: { [SECRET]: loads.target.password } });

  test('kill -9 of the program at every step of a commit', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      for (const [i, point] of POINTS.entries()) {
        await loads.addFile();
        const end = await runProgram({ cwd: loads.project.root, argv: ['run', 'load.yml'], kill: { point, occurrence: 1 } }, env(loads));
        assert.is(end.signal, 'SIGKILL', `${point}: exit ${end.code}\n${end.stderr}`);
        await loads.assertComplete((i + 1) * ROWS, point);
      }
    }));

  test('the server crashes at every step of a commit: the same run completes it', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      for (const [i, point] of POINTS.entries()) {
        await loads.addFile();
        const program = await startProgram({ cwd: loads.project.root, argv: ['run', 'load.yml'], stop: point }, env(loads));
        await program.stopped(point);
        await loads.target.crash();
        program.process.kill('SIGCONT');
        const end = await program.ended;
        assert.is(end.code, 0, `${point}: ${end.stderr}`);
        await loads.assertComplete((i + 1) * ROWS, point);
      }
    }));

  test('readers see the old rows until a truncate has committed', () =>
    withLoads({ mode: 'truncate' }, async (loads) => {
      await loads.addFile();
      assert.is((await loads.run()).code, 0);
      await loads.addFile();
      for (const point of POINTS.filter((each) => each === 'commit.target_filled' || each === 'commit.ledger_written')) {
        const end = await runProgram({ cwd: loads.project.root, argv: ['run', 'load.yml'], kill: { point, occurrence: 1 } }, env(loads));
        assert.is(end.signal, 'SIGKILL', end.stderr);
        await loads.assertRows(ROWS, point);
      }
      assert.is((await loads.run()).code, 0);
      await loads.assertRows(2 * ROWS, 'completed');
    }));

  test('the connection is cut amid the rows, and between COMMIT and its answer', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const proxy = await startCutProxy({ host: '127.0.0.1', port: loads.target.port });
      try {
        await loads.configure({ mode: 'append', port: proxy.port });
        const cuts: readonly (readonly [Point, 'up' | 'down', number])[] = [
          ['commit.target_open', 'up', 100_000],
          ['commit.target_open', 'down', 0],
          ['commit.ledger_written', 'up', 0],
          ['commit.ledger_written', 'down', 0],
        ];
        for (const [i, [point, direction, bytes]] of (FULL ? cuts : cuts.filter((_cut, n) => n % 3 === 0)).entries()) {
          await loads.addFile(ROWS, 'x'.repeat(2000));
          let cut = false;
          const end = await loads.run((at) => {
            if (at !== point || cut) return;
            cut = true;
            const connection = proxy.connections;
            proxy.set((number) => (number === connection ? { cutAfter: { direction, bytes } } : {}));
          });
          assert.is(end.code, 0, end.told);
          assert.match(end.told, 'the commit is tried again', `${point} ${direction}`);
          await loads.assertRows((i + 1) * ROWS, `${point} ${direction}`);
          proxy.set({});
          await loads.assertComplete((i + 1) * ROWS, `${point} ${direction}`);
        }
      } finally {
        await proxy.stop();
      }
    }));

  test('a target that was restored from a backup, or made anew', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const { target } = loads;
      await loads.addFile();
      assert.is((await loads.run()).code, 0);
      await target.run('CREATE TABLE saved_t AS SELECT * FROM t');
      await target.run('CREATE TABLE saved_ledger AS SELECT * FROM sluice_ledger');
      await loads.addFile();
      assert.is((await loads.run()).code, 0);
      for (const sql of [
        'DELETE FROM t',
        'DELETE FROM sluice_ledger',
        'INSERT INTO t SELECT * FROM saved_t',
        'INSERT INTO sluice_ledger SELECT * FROM saved_ledger',
      ])
        await target.run(sql);
      const restored = await loads.run();
      assert.is(restored.code, 0, restored.told);
      assert.match(restored.told, 'the state was taken from the ledger');
      await loads.assertComplete(2 * ROWS, 'restored');
      await target.run('DROP TABLE t');
      await target.run('DROP TABLE sluice_ledger');
      const anew = await loads.run();
      assert.is(anew.code, 5, anew.told);
      assert.match(anew.told, 'LEDGER_EMPTY');
      assert.match(anew.told, 'sluice state reset load');
    }));

  test('an older run, a lost metastore', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const { target, project } = loads;
      await loads.addFile();
      assert.is((await loads.run()).code, 0);
      await target.run('UPDATE sluice_ledger SET fence = 1000');
      await loads.addFile();
      const older = await loads.run();
      assert.is(older.code, 5, older.told);
      assert.match(older.told, 'LEASE_LOST');
      await loads.assertRows(ROWS, 'nothing of the older run');

      await project.write('.sluice/empty', '');
      const { rm } = await import('node:fs/promises');
      await rm(`${project.root}/.sluice`, { recursive: true });
      const foreign = await loads.run();
      assert.is(foreign.code, 5, foreign.told);
      assert.match(foreign.told, 'LEDGER_OTHER_PROJECT');
      const [, sql = ''] = /(UPDATE sluice_ledger SET .*?)\. If it/.exec(foreign.told) ?? [];
      assert.match(sql, 'fence = 0');
      await target.run(sql);
      await loads.assertComplete(2 * ROWS, 'gone on from the ledger');
    }));

  test('two runs at once: one says who holds the lease', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      await loads.addFile();
      const program = await startProgram({ cwd: loads.project.root, argv: ['run', 'load.yml'], stop: 'commit.target_filled' }, env(loads));
      await program.stopped('commit.target_filled');
      const second = await loads.run();
      assert.is(second.code, 5, second.told);
      assert.match(second.told, 'LEASE_HELD');
      program.process.kill('SIGCONT');
      assert.is((await program.ended).code, 0);
      await loads.assertComplete(ROWS, 'both');
    }));
}
