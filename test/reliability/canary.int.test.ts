import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import type { JsonObject } from '../../src/core/spi/index.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { csvRows, loadConfig } from './load-project.js';
import { runProgram } from './program.js';
import { listFiles, makeProject, type Project, type ProjectOptions } from './project.js';

const PASSWORD = 'canary-metastore-7f3a9c';
const SALT = 'canary-salt-51e0bd';
const SECRET_FILE = 'canary-file-c44d12';
const CANARIES = [PASSWORD, SALT, SECRET_FILE];

let server: PostgresServer;

test.before(async () => {
  server = await startPostgres();
});

test.after(() => server.stop());

/** A metastore that only the canary opens. */
async function projectOptions(): Promise<ProjectOptions & { env: Record<string, string> }> {
  const url = await server.createDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const database = new URL(url).pathname.slice(1);
  await client.query(
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'canary') THEN CREATE ROLE canary LOGIN SUPERUSER PASSWORD '${PASSWORD}'; END IF; END $$`,
  );
  await client.end();
  return {
    sluice: { metastore: { type: 'postgresql', url: { env: 'CANARY_URL' } } },
    metastore: { url: `postgresql://canary@${server.host}:${server.port}/${database}`, password: PASSWORD },
    env: { CANARY_URL: `postgresql://canary:${PASSWORD}@${server.host}:${server.port}/${database}`, CANARY_SALT: SALT },
  };
}

function findCanaries(text: string, where: string): void {
  for (const canary of CANARIES) assert.not.ok(text.includes(canary), `${where} holds ${canary}`);
}

/** Every row of every table of the metastore. */
async function dumpMetastore(options: ProjectOptions): Promise<string> {
  const url = new URL(options.metastore?.url ?? '');
  url.password = PASSWORD;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    const rows: string[] = [];
    for (const { name } of tables.rows) rows.push(JSON.stringify((await client.query(`SELECT * FROM ${name}`)).rows));
    assert.ok(rows.length >= 10);
    return rows.join('\n');
  } finally {
    await client.end();
  }
}

async function assertNoCanary(project: Project, options: ProjectOptions): Promise<void> {
  findCanaries(await dumpMetastore(options), 'the metastore');
  for (const path of await listFiles(project.root)) {
    if (path.endsWith('/') || path.endsWith('secret.txt')) continue;
    findCanaries(path, 'a file name');
    findCanaries((await readFile(path)).toString('latin1'), path);
  }
}

test('no secret reaches metastore, spool, storage, output, logs, plans or errors', async () => {
  const options = await projectOptions();
  const project = await makeProject(options);
  try {
    await project.write('secret.txt', SECRET_FILE);
    await project.write('data/a.csv', csvRows(0, 50) + 'bad,row\n');
    await project.write('data/b.csv.gz', gzipSync(csvRows(50, 50)));
    const hash = (salt: JsonObject): JsonObject => ({ type: 'hash', columns: ['name'], salt });
    const filters = [hash({ env: 'CANARY_SALT' }), { type: 'sql', query: 'SELECT * FROM input' }];
    await project.pipeline('load', loadConfig({ filters, exec: { max_threads: 1, max_rejects: 10 } }));
    await project.pipeline(
      'other',
      loadConfig({ filters: [hash({ file: 'secret.txt' })], out: { type: 'warehouse', table: 'shop.other' }, exec: { max_rejects: 0 } }),
    );

    for (const point of ['task.staged', 'commit.state_stored']) {
      const killed = await runProgram(
        { cwd: project.root, argv: ['run', 'load.yml', '--log-level', 'debug'], kill: { point, occurrence: 1 } },
        { env: options.env },
      );
      assert.is(killed.signal, 'SIGKILL', killed.stderr);
      findCanaries(killed.stdout + killed.stderr, 'output of a killed run');
      await assertNoCanary(project, options);
    }
    const commands = [
      ['check', 'load.yml'],
      ['preview', 'load.yml'],
      ['run', 'load.yml', '--dry-run', '--json', '--log-level', 'debug'],
      ['run', 'load.yml', '--json', '--log-level', 'debug'],
      ['run', 'other.yml', '--log-level', 'debug'],
      ['runs', '--json'],
      ['runs', 'show', 'latest', '--json'],
      ['state', 'show', '--json'],
      ['show', 'shop.t', '--json'],
      ['rejects', 'latest'],
      ['query', 'SELECT * FROM shop.t', '--format', 'jsonl'],
      ['query', 'SELECT * FROM nothing'],
    ];
    for (const argv of commands) {
      const end = await project.sluice(argv);
      findCanaries(end.stdout + end.stderr, argv.join(' '));
      assert.ok(end.code < 70, `${argv.join(' ')}: ${end.stderr}`);
    }
    assert.equal(await project.query('SELECT count(*) AS n FROM shop.t'), [{ n: 100 }]);
    await assertNoCanary(project, options);

    await server.stop();
    for (const argv of [
      ['run', 'load.yml', '--log-level', 'debug'],
      ['tables', '--json'],
    ]) {
      const end = await project.sluice(argv);
      assert.is(end.code, 4, end.stderr);
      findCanaries(end.stdout + end.stderr, `${argv.join(' ')} without a server`);
    }
  } finally {
    await project.remove();
  }
});

test.run();
