import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { killServes } from './serve-process.js';
import { Chaos, randomNumbers } from './soak/chaos.js';
import { DATABASE_TABLES, FIRST_TABLES, planSchedules, SoakProject, WAREHOUSE_TABLES } from './soak/soak-project.js';
import { verifyDatabase, verifySchedules, type RowCounts } from './soak/verify.js';

/**
 * Three processes on one metastore under 200 schedules a minute, killed, cut off, frozen and restarted at random, the metastore too. Once:
 * no period is committed twice, none is missing that its policy wants. SLUICE_ROUNDS=full: for ten minutes, with silences that
 * outlast a lease and a pause in which all are away. SLUICE_SEED repeats the order of events.
 */
const test = suite('serve processes that fail');

const FULL = process.env['SLUICE_ROUNDS'] === 'full';
const SECONDS = Number(process.env['SLUICE_SOAK_SECONDS'] ?? (FULL ? 600 : 40));
const A_MINUTE = 200;
const SEED = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 1e9));
/** Tries of jobs wait for two seconds at most; a lost process on this machine is missed at once. */
const CALM_SECONDS = FULL ? 400 : 180;

const schedules = planSchedules(A_MINUTE);
let database: PostgresServer;
let project: SoakProject;
let store: Metastore;
let chaos: Chaos;

test.before(async () => {
  // What the server has acknowledged survives its crash.
  database = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await database.createDatabase('mart');
  project = new SoakProject(database, schedules);
  const random = randomNumbers(SEED);
  chaos = new Chaos(database, project.folder, random);
  for (const sql of FIRST_TABLES) await project.query(sql);
  store = await openMetastore({ url: `postgresql://${database.user}@${database.host}:${database.port}/postgres`, password: database.password });
});

test.after(async () => {
  await killServes();
  await chaos.close();
  await store.close();
  await database.stop();
  project.remove();
});

async function misfortunes(): Promise<void> {
  const until = Date.now() + SECONDS * 1000;
  let struck = 0;
  while (Date.now() < until) {
    await delay(2000);
    await chaos.strike(FULL && ++struck % 12 === 0);
    if (FULL && struck === 30) await chaos.blackOut(75);
  }
}

/** When no job is left that has not ended. */
async function untilDone(): Promise<void> {
  for (const end = Date.now() + CALM_SECONDS * 1000; ; await delay(500)) {
    const open = await store.listJobs({ open: true, limit: 1000 });
    if (open.length === 0) return;
    if (Date.now() > end) throw new Error(`jobs are still open: ${JSON.stringify(open.slice(0, 5), null, 1)}\n${report()}`);
  }
}

async function countRows(): Promise<RowCounts> {
  const counts = new Map<string, number>();
  const add = (schedule: string, at: number): void => void counts.set(`${schedule} ${at}`, (counts.get(`${schedule} ${at}`) ?? 0) + 1);
  for (const table of WAREHOUSE_TABLES)
    for (const { schedule, period } of await project.query(`SELECT schedule, period FROM ${table}`)) add(schedule, Number(period));
  const client = new pg.Client({ connectionString: database.url.replace(/postgres$/, 'mart') });
  await client.connect();
  try {
    for (const table of DATABASE_TABLES) {
      const { rows } = await client.query<{ schedule: string; period: string }>(`SELECT schedule, period FROM ${table}`);
      for (const { schedule, period } of rows) add(schedule, Number(period));
    }
  } finally {
    await client.end();
  }
  return counts;
}

function report(): string {
  const said = chaos.processes.flatMap(({ lines, pid }) =>
    lines.filter(({ level }) => level !== 'info').map((line) => `${pid} ${JSON.stringify(line)}`),
  );
  return [`seed ${SEED}`, ...chaos.events, ...said.slice(-200)].join('\n');
}

test(`each nominal time once, whatever happens to three processes and their metastore`, async () => {
  await chaos.start(3);
  await misfortunes();
  await chaos.calm();
  for (const { name } of schedules) await store.pauseSchedule(name, true);
  const paused = await store.now();
  await untilDone();
  const codes = await chaos.drainAll();
  const { problems, outcomes } = await verifySchedules(store, schedules, await countRows(), paused);
  const more = await verifyDatabase(database.url, store, 4);
  assert.equal([...problems, ...more], [], `${[...problems, ...more].slice(0, 20).join('\n')}\n${report()}`);
  assert.equal(codes, [0, 0, 0], report());
  assert.equal(chaos.died, [], report());
  assert.ok((outcomes['queued'] ?? 0) > SECONDS, JSON.stringify(outcomes));
  if (FULL) assert.ok((outcomes['skipped_missed'] ?? 0) > 0, JSON.stringify(outcomes));
});

test.run();
