import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import input from '../../../src/plugins/input-google-analytics/index.js';
import { TestProject } from '../../engine/project.js';
import { startGoogleAnalytics, type AnalyticsServer } from '../../servers/google-analytics.js';
import { hit, refuseSecrets } from './plugin-run.js';

let server: AnalyticsServer;
let project: TestProject;
test.before(async () => {
  server = await startGoogleAnalytics();
});
test.before.each(() => {
  server.reset();
  server.property.hits = [
    hit('202405061200', 'Japan', 9),
    hit('202405070000', 'a "b", c', 1),
    hit('202405072359', 'France', 2),
    hit('202405080910', '', 3),
  ];
  project = new TestProject();
});
test.after.each(() => {
  project.remove();
  assert.equal(server.violations, []);
});
test.after(() => server.stop());

const section = (): string => `
  type: google_analytics
  property: 123456789
  json_keyfile: {content: {env: GA_KEY}}
  endpoint: ${server.url}
  dimensions: [date, country]
  metrics: [eventCount]
  retry: {limit: 0}
`;

async function run(name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return project.sluice(['run', name, ...args], { env: { GA_KEY: server.key } });
}

function everything(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('keeps the contract of inputs', async () => {
  const config = {
    property: 123456789,
    json_keyfile: { content: server.key },
    endpoint: server.url,
    dimensions: ['dateHour', 'country'],
    metrics: ['eventCount'],
    start_date: '2024-05-07',
    end_date: '2024-05-08',
  };
  const checks = await checkInput(input, [
    {
      title: 'two days',
      config: { ...config, incremental: true },
      rows: [
        ['2024-05-06 15:00:00+00', '2024-05-07 00:00:00', 'a "b", c', '1'],
        ['2024-05-07 14:00:00+00', '2024-05-07 23:00:00', 'France', '2'],
        ['2024-05-08 00:00:00+00', '2024-05-08 09:00:00', '', '3'],
      ],
      state: { property: 'properties/123456789', first_date: '2024-05-07', last_date: '2024-05-08' },
    },
    { title: 'no rows', config: { ...config, start_date: '2020-01-01', end_date: '2020-01-01' }, rows: [] },
    { title: 'an unknown dimension', config: { ...config, dimensions: ['dat'] }, error: 'GA_UNKNOWN_NAME' },
    { title: 'another property', config: { ...config, property: '1' }, error: 'GOOGLE_ACCESS_DENIED' },
  ]);
  assert.ok(checks.includes('two days: the state is JSON, and what was loaded is not read again'));
});

test('sampling, (other) rows and low quotas stand in the run’s report, in --json and in its record', async () => {
  server.property.reportMetadata = { dataLossFromOtherRow: true, samplingMetadatas: [{ samplesReadCount: '500', samplingSpaceSize: '2000' }] };
  server.property.propertyQuota = { tokensPerHour: { consumed: 9, remaining: 8 } };
  const pipeline = (table: string): string =>
    `in:${section()}  start_date: "2024-05-07"\n  end_date: "2024-05-08"\nout: {type: warehouse, table: ${table}}\n`;
  project.write('a.yml', pipeline('web.a'));
  const first = await run('a.yml', '--json');
  assert.is(first.code, 0, first.stderr);
  const [summary] = (JSON.parse(first.stdout) as { pipelines: { warnings: string[] }[] }).pipelines;
  assert.is(summary?.warnings.filter((text) => /^report of 2024-05-0[78]: sampled: made from 25/.test(text)).length, 2);
  assert.is(summary?.warnings.filter((text) => text.includes('rolled into "(other)"')).length, 2);
  assert.is(summary?.warnings.filter((text) => text === 'Google Analytics quota: tokens per hour: only 8 left').length, 1);
  project.write('b.yml', pipeline('web.b'));
  const { stderr } = await run('b.yml');
  assert.match(stderr, 'web.b: report of 2024-05-08: sampled');
  assert.match((await project.sluice(['runs', 'show', 'latest'])).stdout, 'report of 2024-05-08: sampled');
});

test('loads each day once, in a partitioned table, and keeps no secret', async () => {
  const pipeline = (end: string): string =>
    `in:${section()}  start_date: "2024-05-06"\n  end_date: "${end}"\n  incremental: true\nout:\n  type: warehouse\n  table: web.visits\n`;
  project.write('visits.yml', pipeline('2024-05-07'));
  const first = await run('visits.yml');
  assert.is(first.code, 0, first.stderr);
  const sql = 'select cast(time as varchar) as time, cast(date as varchar) as date, country, event_count from web.visits order by time, country';
  assert.equal(await project.query(sql), [
    { time: '2024-05-05 15:00:00+00', date: '2024-05-06', country: 'Japan', event_count: 9 },
    { time: '2024-05-06 15:00:00+00', date: '2024-05-07', country: 'France', event_count: 2 },
    { time: '2024-05-06 15:00:00+00', date: '2024-05-07', country: 'a "b", c', event_count: 1 },
  ]);
  project.write('visits.yml', pipeline('2024-05-08'));
  const second = await run('visits.yml');
  assert.is(second.code, 0, second.stderr);
  assert.equal(await project.query('select count(*) as n, sum(event_count) as s from web.visits'), [{ n: 4, s: 15 }]);
  refuseSecrets(server, `${everything(project.folder)}${first.stderr}${first.stdout}${second.stderr}${second.stdout}`);
});

test('a run that fails half-way goes on at the day that failed', async () => {
  project.write('sluice.yml', 'exec: {retry: {limit: 0}, max_threads: 1}\n');
  project.write(
    'visits.yml',
    `in:${section()}  start_date: "2024-05-06"\n  end_date: "2024-05-08"\n  incremental: true\nout:\n  type: warehouse\n  table: web.visits\n`,
  );
  server.fail({ on: 'RunReport', after: 3, times: 1, status: 503, code: 'UNAVAILABLE' });
  const failed = await run('visits.yml');
  assert.is(failed.code, 4, failed.stderr);
  assert.match(failed.stderr, /GOOGLE_UNAVAILABLE/);
  server.requests.length = 0;
  const resumed = await run('visits.yml');
  assert.is(resumed.code, 0, resumed.stderr);
  const days = server.requests.flatMap((r) => (r.body.dateRanges ?? []).map((range) => range.startDate));
  assert.equal(
    days.filter((day) => day !== 'yesterday'),
    ['2024-05-08'],
  );
  assert.equal(await project.query('select sum(event_count) as s from web.visits'), [{ s: 15 }]);
  refuseSecrets(server, `${everything(project.folder)}${failed.stderr}${resumed.stderr}`);
});

test('a report that changes between pages is read again by the engine: no row twice, none lost', async () => {
  project.write('sluice.yml', 'exec: {retry: {initial_wait_secs: 0}}\n');
  server.property.hits = Array.from({ length: 9 }, (_, i) => hit('202405061200', `country ${i}`, 1));
  project.write(
    'visits.yml',
    `in:${section()}  page_size: 4\n  start_date: "2024-05-06"\n  end_date: "2024-05-06"\nout:\n  type: warehouse\n  table: web.visits\n`,
  );
  const arrive = (): void => void server.property.hits.push(hit('202405061200', 'a new country', 1));
  server.fail({ on: 'RunReport', after: 2, change: arrive });
  const outcome = await run('visits.yml');
  assert.is(outcome.code, 0, outcome.stderr);
  assert.match(outcome.stderr, /GA_REPORT_CHANGED/);
  assert.equal(await project.query('select count(*) as n, count(distinct country) as d, sum(event_count) as s from web.visits'), [
    { n: 10, d: 10, s: 10 },
  ]);
});

test('late data comes in by reading the last days again and merging', async () => {
  const pipeline = (end: string): string =>
    `in:${section()}  start_date: "2024-05-06"\n  end_date: "${end}"\n  incremental: true\n  reread_days: 2\nout:\n  type: warehouse\n  table: web.visits\n  mode: merge\n  keys: [date, country]\n`;
  project.write('visits.yml', pipeline('2024-05-07'));
  const first = await run('visits.yml');
  assert.is(first.code, 0, first.stderr);
  server.property.hits.push(hit('202405062100', 'Japan', 100), hit('202405072100', 'Late', 50));
  project.write('visits.yml', pipeline('2024-05-08'));
  const second = await run('visits.yml');
  assert.is(second.code, 0, second.stderr);
  assert.equal(await project.query('select cast(date as varchar) as date, country, event_count as n from web.visits order by date, country'), [
    { date: '2024-05-06', country: 'Japan', n: 109 },
    { date: '2024-05-07', country: 'France', n: 2 },
    { date: '2024-05-07', country: 'Late', n: 50 },
    { date: '2024-05-07', country: 'a "b", c', n: 1 },
    { date: '2024-05-08', country: '', n: 3 },
  ]);
});

test('guess writes a pipeline that runs as it is', async () => {
  const seed = section().replace(/ {2}(dimensions|metrics):.*\n/g, '');
  project.write('seed.yml', `in:${seed}out:\n  type: warehouse\n  table: web.visits\n`);
  const guessed = await project.sluice(['guess', 'seed.yml', '-o', 'visits.yml'], { env: { GA_KEY: server.key } });
  assert.is(guessed.code, 0, guessed.stderr);
  const text = readFileSync(join(project.folder, 'visits.yml'), 'utf8');
  assert.match(text, /- totalRevenue # Total revenue: column total_revenue, double \(TYPE_CURRENCY\)/);
  assert.match(text, /time_column: time\n$/);
  refuseSecrets(server, `${text}${guessed.stdout}${guessed.stderr}`);
  project.write('visits.yml', text.replace('30daysAgo', '"2024-05-01"').replace('end_date: yesterday', 'end_date: "2024-05-08"'));
  const outcome = await run('visits.yml');
  assert.is(outcome.code, 0, outcome.stderr);
  assert.equal(await project.query('select count(*) as n, sum(event_count) as s from web.visits'), [{ n: 4, s: 15 }]);
});

test('a named connection is tested and shows what it can read', async () => {
  project.write(
    'sluice.yml',
    `connections:\n  web: {type: google_analytics, property: 123456789, json_keyfile: {content: {env: GA_KEY}}, endpoint: "${server.url}"}\n`,
  );
  const tested = await project.sluice(['conns', 'test'], { env: { GA_KEY: server.key } });
  assert.is(tested.code, 0, tested.stderr);
  assert.match(tested.stdout, /web: ok, Google Analytics properties\/123456789, Asia\/Tokyo, JPY/);
});

test('check works from the command line', async () => {
  project.write('visits.yml', `in:${section()}  start_date: "2024-05-06"\n  end_date: "2024-05-08"\nout:\n  type: warehouse\n  table: web.visits\n`);
  const checked = await project.sluice(['check', 'visits.yml'], { env: { GA_KEY: server.key } });
  assert.is(checked.code, 0, checked.stderr);
  assert.match(checked.stdout + checked.stderr, /Asia\/Tokyo/);
  project.write(
    'bad.yml',
    `in:${section().replace('eventCount', 'eventCont')}  start_date: yesterday\nout:\n  type: warehouse\n  table: web.visits\n`,
  );
  const bad = await project.sluice(['check', 'bad.yml'], { env: { GA_KEY: server.key } });
  assert.is(bad.code, 2);
  assert.match(bad.stderr, /bad\.yml:\d+:\d+.*did you mean "eventCount"/);
  project.write('metric.yml', `in:${section()}  start_date: soon\nout:\n  type: warehouse\n  table: web.visits\n`);
  const invalid = await project.sluice(['check', 'metric.yml'], { env: { GA_KEY: server.key } });
  assert.is(invalid.code, 2);
  assert.match(invalid.stderr, /a day such as 2024-05-03/);
});

test.run();
