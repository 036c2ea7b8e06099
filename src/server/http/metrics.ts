import type { Gauge, HttpDependencies } from './dependencies.js';
import { createCounter, createHistogram, gaugeText } from './prometheus-text.js';
import type { QuerySlots } from './query-slots.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What `/metrics` shows. Names and meanings: docs/http-api.md. */
export interface Metrics {
  request(route: string, method: string, status: number, seconds: number): void;
  refusedKey(reason: string): void;
  rows(n: number): void;
  text(): Promise<string>;
}

export function createMetrics(services: HttpDependencies, slots: QuerySlots): Metrics {
  const requests = createCounter('sluice_http_requests_total', 'Requests answered, by route, method and status.');
  const seconds = createHistogram('sluice_http_request_duration_seconds', 'Time until an answer was sent whole or given up.', SECONDS);
  const refused = createCounter('sluice_http_keys_refused_total', 'Requests refused because of their key, by reason.');
  const rows = createCounter('sluice_http_query_rows_total', 'Rows of queries that were answered at once.');
  rows.add({}, 0);
  return {
    request(route, method, status, duration) {
      requests.add({ route, method, status: String(status) });
      seconds.observe({ route, method }, duration);
    },
    refusedKey: (reason) => refused.add({ reason }),
    rows: (n) => rows.add({}, n),
    async text() {
      const gauges = [
        ...(await projectGauges(services)),
        ...queryGauges(slots),
        ...processGauges(services.version),
        ...((await services.gauges?.()) ?? []),
      ];
      return [requests, seconds, refused, rows].map((each) => each.text()).join('') + gauges.map(gaugeText).join('');
    },
  };
}

async function projectGauges({ store, schedules }: HttpDependencies): Promise<readonly Gauge[]> {
  const [jobs, servers, records, misses, unsent, now] = await Promise.all([
    store.countJobs(),
    store.countServers(),
    store.listSchedules(),
    store.listSlaMisses({ open: true }),
    store.countMessages(),
    store.now(),
  ]);
  const defined = new Map(schedules().map((schedule) => [schedule.name, schedule]));
  const known = records.filter(({ name }) => defined.has(name));
  const active = known.filter(({ name, paused }) => !paused && defined.get(name)?.enabled === true);
  const late = active.map(({ dueAt }) => (dueAt === null ? 0 : Math.max(0, now - dueAt) / 1000));
  return [
    {
      name: 'sluice_jobs',
      help: 'Jobs in the metastore, by status; ended ones until they expire.',
      samples: Object.entries(jobs).map(([status, value]) => ({ labels: { status }, value })),
    },
    { name: 'sluice_servers', help: 'Processes of this project that are alive.', samples: [{ value: servers }] },
    {
      name: 'sluice_schedules',
      help: 'Schedules, by whether they are active, paused or disabled.',
      samples: [
        { labels: { state: 'active' }, value: active.length },
        { labels: { state: 'paused' }, value: known.filter(({ paused }) => paused).length },
        { labels: { state: 'disabled' }, value: [...defined.values()].filter(({ enabled }) => !enabled).length },
      ],
    },
    {
      name: 'sluice_schedules_late',
      help: 'Schedules that have missed their sla and not made it good since.',
      samples: [{ value: new Set(misses.filter((miss) => defined.get(miss.schedule)?.sla).map((miss) => miss.schedule)).size }],
    },
    { name: 'sluice_messages_unsent', help: 'Messages of serve.notify that have not been sent.', samples: [{ value: unsent }] },
    {
      name: 'sluice_schedule_lag_seconds',
      help: 'How long the schedule that is latest has been due.',
      samples: [{ value: late.reduce((most, each) => Math.max(most, each), 0) }],
    },
  ];
}

function queryGauges(slots: QuerySlots): readonly Gauge[] {
  const { running, waiting } = slots.counts();
  return [
    { name: 'sluice_http_queries_running', help: 'Queries that are being answered.', samples: [{ value: running }] },
    { name: 'sluice_http_queries_waiting', help: 'Queries that wait for others to end.', samples: [{ value: waiting }] },
  ];
}

function processGauges(version: string): readonly Gauge[] {
  const { user, system } = process.cpuUsage();
  return [
    { name: 'sluice_build_info', help: 'Version of this process; always 1.', samples: [{ labels: { version, node: process.version }, value: 1 }] },
    { name: 'process_cpu_seconds_total', help: 'CPU time of this process.', samples: [{ value: (user + system) / 1e6 }] },
    { name: 'process_resident_memory_bytes', help: 'Resident memory of this process.', samples: [{ value: process.memoryUsage.rss() }] },
    {
      name: 'process_start_time_seconds',
      help: 'When this process started, in seconds since 1970.',
      samples: [{ value: Math.round(Date.now() / 1000 - process.uptime()) }],
    },
  ];
}
