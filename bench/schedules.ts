/**
 * 10,000 schedules: how long the scheduler's calls take. `node --import tsx bench/schedules.ts [COUNT]`; prints a table of milliseconds,
 * on SQLite in the system's temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScheduleDefinition } from '../src/core/config/index.js';
import { nextTime } from '../src/core/schedule/next-time.js';
import { parseCron } from '../src/core/schedule/cron-expression.js';
import { openZone } from '../src/core/schedule/zoned-time.js';
import { openMetastore } from '../src/metastore/index.js';
import { createScheduler } from '../src/server/schedule/scheduler.js';

const count = Number(process.argv[2] ?? 10_000);
const ZONES = ['UTC', 'Asia/Tokyo', 'Europe/Berlin', 'America/New_York'];
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));

function define(i: number): ScheduleDefinition {
  const cron = `${i % 60} ${i % 24} * * ${i % 7 === 0 ? 'mon-fri' : '*'}`;
  const timezone = ZONES[i % ZONES.length] ?? 'UTC';
  return {
    name: `schedule-${i}`,
    place: {},
    cron,
    timezone,
    times: { cron: parseCron(cron), zone: openZone(timezone) },
    delaySecs: 0,
    catchUp: 'latest',
    overlap: 'skip',
    timeoutSecs: null,
    retries: { limit: 0, initialWaitSecs: 0, maxWaitSecs: 0 },
    dependsOn: [],
    enabled: true,
    priority: 0,
    tags: [],
    sla: null,
    slaHash: '',
    notify: [],
    connections: [],
    payload: { kind: 'sql', sql: 'select 1' },
    keepsState: [],
    appends: [],
    hash: '',
    timesHash: cron,
  };
}

async function measure(name: string, work: () => unknown, rounds = 5): Promise<void> {
  const took: number[] = [];
  let cpuMs = 0;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    cpuMs = (user + system) / 1000;
    took.push(performance.now() - start);
  }
  took.sort((a, b) => a - b);
  const [median = 0] = took.slice(Math.floor(took.length / 2));
  process.stdout.write(
    `${name.padEnd(36)} ${median.toFixed(1).padStart(8)} ms (worst ${(took.at(-1) ?? 0).toFixed(1)}; CPU of the last ${cpuMs.toFixed(1)})\n`,
  );
}

let now = Date.now();
const store = await openMetastore({ url: `sqlite:${join(folder, 'meta.db')}`, clock: () => now });
try {
  const definitions = Array.from({ length: count }, (_, i) => define(i));
  const scheduler = createScheduler({ store, definitions: () => definitions, clock: { now: () => 0 }, log: { log: () => {} } });
  await measure('first sync', () => scheduler.sync(), 1);
  await measure('sync, nothing changed', () => scheduler.sync());
  await measure('list', () => store.listSchedules());
  await measure('next time of each', () => definitions.forEach(({ times }) => nextTime(times.cron, times.zone, now)));
  await measure('due: none', () => store.dueSchedules(200));
  await measure('tick: none due', () => scheduler.tick());
  now += 3_600_000;
  await measure('due: 200 of an hour', () => store.dueSchedules(200));
  const start = performance.now();
  const { firings, jobs } = await scheduler.tick();
  process.stdout.write(`tick: ${firings} times, ${jobs} jobs: ${((performance.now() - start) / jobs).toFixed(2)} ms a job\n`);
} finally {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
}
