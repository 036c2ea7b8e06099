import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csvRows, loadConfig } from './load-project.js';
import { startProgram } from './program.js';
import { FULL, makeProject, report } from './project.js';

/** About 100 MB in the full rounds. */
const ROWS = FULL ? 4_500_000 : 500_000;

async function measureLoad(name: string, more: (config: ReturnType<typeof loadConfig>) => ReturnType<typeof loadConfig>): Promise<void> {
  const project = await makeProject();
  try {
    await project.write('data/a.csv', csvRows(0, ROWS));
    await project.pipeline('load', more(loadConfig({ exec: { max_threads: 2 } })));
    const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], measure: true });
    const end = await program.ended;
    assert.is(end.code, 0, end.stderr);
    const last = end.messages.at(-1) as { measured: { loop: number; stat: number } };
    assert.ok(last.measured.loop < 1000, `the event loop stood still for ${last.measured.loop} ms`);
    assert.ok(last.measured.stat < 1000, `fs.stat took ${last.measured.stat} ms`);
    report(`${name}: longest delay of the event loop ${Math.round(last.measured.loop)} ms, longest fs.stat ${Math.round(last.measured.stat)} ms`);
  } finally {
    await project.remove();
  }
}

test('fs and event loop answer within a second while DuckDB reads CSV', () => measureLoad('native lane', (config) => config));

test('fs and event loop answer within a second in our own tokenizer', () =>
  measureLoad('own tokenizer', (config) => {
    const input = config['in'] as { parser: object };
    return { ...config, in: { ...input, parser: { ...input.parser, trim_if_not_quoted: true } } };
  }));

test('fs and event loop answer within a second while many rejects are placed', () =>
  measureLoad('rejects', (config) => {
    const input = config['in'] as { parser: { columns: object[] } };
    const columns = [
      { name: 'id', type: 'long' },
      { name: 'name', type: 'long' },
    ];
    return { ...config, in: { ...input, parser: { ...input.parser, columns } }, exec: { max_rejects: '100%', max_threads: 2 } };
  }));

/** Renewals come every ten seconds, too long for a short round; test/metastore shows them with a shorter lease. */
if (FULL)
  test('a lease is renewed while the main thread stands still', async () => {
    const project = await makeProject();
    try {
      await project.write('data/a.csv', csvRows(0, ROWS));
      await project.pipeline('load', loadConfig());
      // The main thread is blocked for longer than a renewal takes: only the renewal thread can have moved the lease.
      const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], block: { point: 'run.tasks_done', ms: 14_000 } });
      await program.reached('run.tasks_done');
      const seen = new Set<number>();
      let over = false;
      void program.ended.then(() => (over = true));
      while (!over && seen.size < 2) {
        const row = await readRenewal(project.root);
        if (row > 0) seen.add(row);
      }
      assert.ok(seen.size >= 2, 'the lease was renewed while the process was blocked');
      assert.is((await program.ended).code, 0);
    } finally {
      await project.remove();
    }
  });

async function readRenewal(root: string): Promise<number> {
  const { default: Database } = await import('libsql');
  const database = new Database(`${root}/.sluice/metastore.db`, { readonly: true, timeout: 5000 });
  try {
    const row = database.prepare('SELECT max(renewed_at) AS at FROM sluice_leases').get() as { at: number } | undefined;
    return row?.at ?? 0;
  } finally {
    database.close();
    await new Promise(setImmediate);
  }
}

test.run();
