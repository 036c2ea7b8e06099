import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { assertClean, assertCompletes, assertFails, assertRows, csvRows, loadConfig, ROWS, withLoadProject } from './load-project.js';
import { postgresqlProject } from './postgresql-project.js';
import { startProgram } from './program.js';
import { findLeftovers } from './project.js';

let server: PostgresServer;

test.before(async () => {
  // A server that crashes may forget the last transactions, unless it is told not to.
  server = await startPostgres({ settings: { synchronous_commit: 'on' } });
});

test.after(() => server.stop());

for (const point of ['run.recorded', 'commit.started', 'commit.transaction_open', 'commit.pointer_swapped', 'commit.state_stored']) {
  test(`the metastore's server dies at ${point}`, async () => {
    const options = postgresqlProject(server, await server.createDatabase());
    await withLoadProject(async (project) => {
      const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], stop: point }, options);
      await program.stopped(point);
      await server.restart('immediate');
      program.process.kill('SIGCONT');
      const end = await program.ended;
      assert.is(end.code, 0, end.stderr);
      if (point.startsWith('commit.') && point !== 'commit.started') assert.match(end.stderr, /the commit is tried again in \d s: metastore/);
      await assertRows(project, 2 * ROWS);
      // Whether a COMMIT without an answer took place cannot be told for sure, so its metadata files stay for `maintain --orphans`.
      const unknown = point === 'commit.state_stored';
      assert.is((await findLeftovers(project)).metadata.length, unknown ? 3 : 0);
      if (unknown) assert.match((await project.sluice(['run', 'load.yml'])).stderr, /nothing new to load/);
      else await assertCompletes(project);
    }, options);
  });
}

test('the server stays away: the error says so, and the commit is made by the next run', async () => {
  const options = postgresqlProject(server, await server.createDatabase());
  const retry = { limit: 1, initial_wait_secs: 0.1 };
  await withLoadProject(async (project) => {
    await project.pipeline('load', loadConfig({ exec: { max_threads: 1, retry } }));
    const proxy = await startProxy(server.port);
    const away = postgresqlProject({ ...server, port: proxy.port }, `postgres://x/${new URL(options.metastore?.url ?? '').pathname.slice(1)}`);
    await project.write('sluice.yml', stringify(away.sluice));
    const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], stop: 'commit.pointer_swapped' }, options);
    await program.stopped('commit.pointer_swapped');
    await proxy.stop();
    program.process.kill('SIGCONT');
    assertFails(await program.ended, { exit: 4, code: 'METASTORE_UNREACHABLE', message: /metastore/, hint: /check that the server runs/ });
    await project.write('sluice.yml', stringify(options.sluice));
    assert.match((await project.sluice(['query', 'SELECT * FROM shop.t'])).stderr, /error TABLE_MISSING/);
    const end = await project.sluice(['run', 'load.yml']);
    assert.match(end.stderr, /2 of 2 tasks were finished/);
    await assertCompletes(project);
  }, options);
});

test('the connection is lost after COMMIT was sent: the run finds out that it had committed', async () => {
  const url = await server.createDatabase();
  const proxy = await startProxy(server.port);
  try {
    const options = postgresqlProject({ ...server, port: proxy.port }, url);
    await withLoadProject(async (project) => {
      await project.must('run', 'load.yml');
      await project.write('data/c.csv', csvRows(2 * ROWS, 10));
      const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], stop: 'commit.state_stored' }, options);
      await program.stopped('commit.state_stored');
      proxy.loseNextAnswer();
      program.process.kill('SIGCONT');
      const end = await program.ended;
      assert.is(proxy.lost(), 1);
      assert.is(end.code, 0, end.stderr);
      await assertRows(project, 2 * ROWS + 10);
      await assertClean(project);
      assert.match((await project.sluice(['run', 'load.yml'])).stderr, /nothing new to load/);
    }, options);
  } finally {
    await proxy.stop();
  }
});

interface Proxy {
  readonly port: number;
  /** Hands the next COMMIT on, but ends the client's connection instead of answering. */
  loseNextAnswer(): void;
  lost(): number;
  stop(): Promise<void>;
}

async function startProxy(to: number): Promise<Proxy> {
  let armed = false;
  let lost = 0;
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    let doomed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (armed && bytes.includes('COMMIT')) {
        armed = false;
        doomed = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!doomed) return void client.write(bytes);
      lost++;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    loseNextAnswer: () => void (armed = true),
    lost: () => lost,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

test.run();
