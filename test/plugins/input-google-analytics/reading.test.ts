import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GoogleAnalyticsConfig } from '../../../src/plugins/input-google-analytics/config.js';
import input from '../../../src/plugins/input-google-analytics/index.js';
import { startGoogleAnalytics, type AnalyticsServer } from '../../servers/google-analytics.js';
import { configOf, errorOf, hit, NOW, PluginRun } from './plugin-run.js';

let server: AnalyticsServer;
test.before(async () => {
  server = await startGoogleAnalytics();
});
test.before.each(() => {
  server.reset();
  server.property.hits = [
    hit('202405061200', 'Japan', 9),
    hit('202405070000', 'Japan', 1),
    hit('202405072359', 'France', 2),
    hit('202405080910', 'Japan', 3),
    hit('202405080911', 'Japan', 4),
    hit('202405090000', '(not set)', 5),
    hit('202405101000', 'Japan', 100),
  ];
});
test.after.each(() => assert.equal(server.violations, [], 'requests and answers keep to the published definitions'));
test.after(() => server.stop());

test('a task a date, with the days of the property, types by the metadata and the time column', async () => {
  const config = configOf(server, {
    metrics: ['eventCount', 'totalRevenue', 'averageSessionDuration', { name: 'perUser', expression: 'eventCount/activeUsers' }],
  });
  const run = new PluginRun();
  const plan = await run.plan(config);
  assert.equal(plan.columns, [
    { name: 'time', type: 'timestamp', text: {} },
    { name: 'date', type: 'date', text: {} },
    { name: 'country', type: 'string', text: {} },
    { name: 'event_count', type: 'long', text: {} },
    { name: 'total_revenue', type: 'double', text: {} },
    { name: 'average_session_duration', type: 'double', text: {} },
    { name: 'per_user', type: 'double', text: {} },
  ]);
  assert.equal(
    plan.tasks,
    ['2024-05-07', '2024-05-08', '2024-05-09'].map((day) => ({ start: day, end: day, zone: 'Asia/Tokyo' })),
  );
  const rows = await run.read(config, plan);
  assert.equal(
    rows.map((row) => row.slice(0, 4)),
    [
      ['2024-05-06 15:00:00', '2024-05-07', 'France', '2'],
      ['2024-05-06 15:00:00', '2024-05-07', 'Japan', '1'],
      ['2024-05-07 15:00:00', '2024-05-08', 'Japan', '7'],
      ['2024-05-08 15:00:00', '2024-05-09', '(not set)', '5'],
    ],
  );
  assert.match(plan.notes.join('\n'), /time zone, Asia\/Tokyo; amounts are in JPY/);
  assert.match(plan.notes.join('\n'), /quota: tokens per day: 199,990 left/);
  assert.is(server.tokensGiven.length, 1, 'one token for all tasks');
});

test('types do not depend on whether there was any data', async () => {
  server.fail({
    on: 'RunReport',
    change(answer) {
      delete answer['metricHeaders'];
      delete answer['dimensionHeaders'];
      delete answer['rows'];
      delete answer['rowCount'];
    },
  });
  assert.equal(
    (await new PluginRun().plan(configOf(server))).columns.map((c) => c.type),
    ['timestamp', 'date', 'string', 'long'],
  );
});

test('hours and minutes give local times and instants; names as in the API; types of the config', async () => {
  const config = configOf(server, {
    dimensions: ['dateHour', 'hour'],
    column_names: 'api',
    types: { hour: 'long', eventCount: 'double' },
    start_date: '2024-05-08',
    end_date: '2024-05-08',
  });
  const run = new PluginRun();
  const plan = await run.plan(config);
  assert.equal(
    plan.columns.map(({ name, type }) => `${name} ${type}`),
    ['time timestamp', 'dateHour datetime', 'hour long', 'eventCount double'],
  );
  assert.equal(await run.read(config, plan), [['2024-05-08 00:00:00', '2024-05-08 09:00:00', '09', '7']]);
  const minutes = configOf(server, { dimensions: ['dateHourMinute', 'date'], time_column: null, start_date: '2024-05-08', end_date: '2024-05-08' });
  assert.equal(await run.read(minutes), [
    ['2024-05-08 09:10:00', '2024-05-08', '3'],
    ['2024-05-08 09:11:00', '2024-05-08', '4'],
  ]);
});

test('pages fit together: every row once, in a complete order', async () => {
  server.property.hits = Array.from({ length: 57 }, (_, i) => hit('202405081200', `country ${String(i).padStart(2, '0')}`, i));
  const config = configOf(server, {
    page_size: 10,
    start_date: '2024-05-08',
    end_date: '2024-05-08',
    order_bys: [{ metric: { metricName: 'eventCount' }, desc: true }],
  });
  const rows = await new PluginRun().read(config);
  assert.equal(
    rows.map((row) => Number(row[3])),
    Array.from({ length: 57 }, (_, i) => 56 - i),
  );
  const pages = server.requests.filter((r) => r.method === 'RunReport').slice(1);
  assert.equal(
    pages.map((r) => [r.body.offset, r.body.limit]),
    ['0', '10', '20', '30', '40', '50'].map((offset) => [offset, '10']),
  );
  assert.equal(pages[0]?.body.orderBys, [
    { metric: { metricName: 'eventCount' }, desc: true },
    { dimension: { dimensionName: 'date' } },
    { dimension: { dimensionName: 'country' } },
  ]);
  const top = await new PluginRun().read({ ...config, row_limit: 25 });
  assert.equal(
    top.map((row) => Number(row[3])),
    Array.from({ length: 25 }, (_, i) => 56 - i),
  );
});

test('filters, empty rows, currency and invisible metrics reach the API as they are', async () => {
  const config = configOf(server, {
    metrics: ['eventCount', { name: 'activeUsers', invisible: true }],
    dimension_filter: { notExpression: { filter: { fieldName: 'country', inListFilter: { values: ['Japan'] } } } },
    metric_filter: { filter: { fieldName: 'activeUsers', numericFilter: { operation: 'GREATER_THAN', value: { int64Value: '-1' } } } },
    keep_empty_rows: true,
    currency_code: 'EUR',
    days_per_request: 2,
  });
  const run = new PluginRun();
  const plan = await run.plan(config);
  assert.equal(
    plan.tasks.map(({ start, end }) => [start, end]),
    [
      ['2024-05-07', '2024-05-08'],
      ['2024-05-09', '2024-05-09'],
    ],
  );
  assert.equal(await run.read(config, plan), [
    ['2024-05-06 15:00:00', '2024-05-07', 'France', '2'],
    ['2024-05-08 15:00:00', '2024-05-09', '(not set)', '5'],
  ]);
  const { keepEmptyRows, currencyCode, dimensionFilter, metricFilter } = server.requests.at(-1)?.body ?? {};
  assert.equal([keepEmptyRows, currencyCode], [true, 'EUR']);
  assert.equal([dimensionFilter, metricFilter], [config.dimension_filter, config.metric_filter]);
});

test('without a date dimension each range is one report over all its days, named by a column', async () => {
  const config = configOf(server, {
    dimensions: ['country'],
    date_ranges: [
      { start_date: '2024-05-06', end_date: '2024-05-07', name: 'early' },
      { start_date: '2024-05-06', end_date: 'yesterday' },
    ],
  });
  const { start_date: _, ...ranged } = config;
  const run = new PluginRun();
  const plan = await run.plan(ranged as GoogleAnalyticsConfig);
  assert.equal(
    plan.columns.map((c) => c.name),
    ['country', 'date_range', 'event_count'],
  );
  assert.equal(await run.read(ranged as GoogleAnalyticsConfig, plan), [
    ['France', 'early', '2'],
    ['Japan', 'early', '10'],
    ['(not set)', 'date_range_1', '5'],
    ['France', 'date_range_1', '2'],
    ['Japan', 'date_range_1', '17'],
  ]);
  assert.match(plan.notes.join('\n'), /metrics such as users do not add up/);
});

test('rows named (other) keep the day that was asked for, and are reported with sampling and thresholding', async () => {
  server.property.reportMetadata = {
    dataLossFromOtherRow: true,
    subjectToThresholding: true,
    samplingMetadatas: [{ samplesReadCount: '500', samplingSpaceSize: '2000' }],
  };
  server.fail({
    on: 'RunReport',
    after: 1,
    change: (answer) => (answer['rows'] = [{ dimensionValues: [{ value: '(other)' }, { value: '(other)' }], metricValues: [{ value: '8' }] }]),
  });
  const config = configOf(server, { dimensions: ['dateHour', 'country'], start_date: '2024-05-08', end_date: '2024-05-08' });
  const run = new PluginRun();
  const plan = await run.plan(config);
  assert.match(plan.notes.join('\n'), /yesterday's report: sampled: made from 25\.0 % of the events \(500 of 2000\)/);
  assert.match(plan.notes.join('\n'), /rolled into "\(other\)"/);
  assert.match(plan.notes.join('\n'), /subject to thresholding/);
  assert.equal(await run.read(config, plan), [['2024-05-07 15:00:00', null, '(other)', '8']]);
  assert.match(run.logs.join('\n'), /warn report of 2024-05-08: sampled/);
  assert.match(run.logs.join('\n'), /report of 2024-05-08 has 1 row named "\(other\)"/);
});

test('a quota that runs low is told', async () => {
  server.property.propertyQuota = { tokensPerHour: { consumed: 9, remaining: 8 }, tokensPerDay: { consumed: 9, remaining: 150_000 } };
  const run = new PluginRun();
  await run.read(configOf(server));
  assert.match(run.logs.join('\n'), /warn Google Analytics quota: tokens per hour: only 8 left/);
  assert.not.match(run.logs.join('\n'), /tokens per day/);
});

test('incremental: on from the last day, late data read again, nothing left out after a pause', async () => {
  const config = configOf(server, { start_date: '2024-05-06', incremental: true, reread_days: 1 });
  const first = new PluginRun();
  const plan = await first.plan(config);
  assert.is((await first.read(config, plan)).length, 5);
  const state = first.state(config, plan);
  assert.equal(state, { property: 'properties/123456789', first_date: '2024-05-06', last_date: '2024-05-09' });

  server.property.hits.push(hit('202405092330', 'Late', 50));
  server.property.today = '20240512';
  const second = new PluginRun(state);
  second.now = NOW + 2 * 86_400_000;
  const next = await second.plan(config);
  assert.equal(
    next.tasks.map((task) => task['start']),
    ['2024-05-09', '2024-05-10', '2024-05-11'],
  );
  assert.equal(
    (await second.read(config, next)).map((row) => row.slice(1)),
    [
      ['2024-05-09', '(not set)', '5'],
      ['2024-05-09', 'Late', '50'],
      ['2024-05-10', 'Japan', '100'],
    ],
  );
  assert.is(plan.rereads, true, 'an output that would double rows is refused from the start');
  assert.match(next.notes.join('\n'), /2024-05-09 to 2024-05-09 are read again: the output must merge them/);
  assert.equal(second.state(config, next), { property: 'properties/123456789', first_date: '2024-05-06', last_date: '2024-05-11' });

  const once = { ...config, reread_days: 0 };
  assert.equal((await new PluginRun(state).plan(once)).tasks, [], 'all is loaded');
  assert.is((await new PluginRun(state).plan(once)).rereads, undefined);
  const refreshed = new PluginRun(state, false);
  const all = await refreshed.plan(once);
  assert.is(all.tasks.length, 4, 'modes that replace everything read everything');
  // A relative start does not skip days that passed while the pipeline stood still.
  const paused = new PluginRun(state);
  paused.now = NOW + 30 * 86_400_000;
  assert.is((await paused.plan({ ...once, start_date: '7daysAgo' })).tasks[0]?.['start'], '2024-05-10');
});

test('incremental needs dated rows, whole days, and a state of its own property', async () => {
  const fails = async (extra: Partial<GoogleAnalyticsConfig>, run = new PluginRun()): Promise<string> => {
    const { code, path, hint } = await errorOf(server, () => run.plan(configOf(server, { incremental: true, ...extra })));
    assert.ok(hint);
    return `${code} ${path ?? ''}`;
  };
  assert.is(await fails({ dimensions: ['country'] }), 'GA_DATES in.incremental');
  assert.is(await fails({ end_date: 'today' }), 'GA_DATES in.end_date');
  assert.is(await fails({ incremental: false, reread_days: 2 }), 'GA_DATES in.reread_days');
  const other = { property: 'properties/1', first_date: '2024-01-01', last_date: '2024-01-02' };
  assert.is(await fails({}, new PluginRun(other)), 'GA_STATE in.property');
  assert.is(await fails({}, new PluginRun({ files: [] })), 'GA_STATE in.incremental');
  const today = configOf(server, { incremental: true, end_date: 'today', reread_days: 1 });
  const run = new PluginRun();
  const plan = await run.plan(today);
  const again = await new PluginRun(run.state(today, plan)).plan(today);
  assert.equal(
    again.tasks.map((task) => task['start']),
    ['2024-05-10'],
  );
});

test('probe names the property; names and periods that cannot be are told at their place', async () => {
  const run = new PluginRun();
  assert.is(await input.probe?.(configOf(server), run.ctx), 'Google Analytics properties/123456789, Asia/Tokyo, JPY, 8 dimensions and 5 metrics');
  const { metrics: _metrics, dimensions: _dimensions, start_date: _start, ...connection } = configOf(server);
  assert.match((await input.probe?.(connection as GoogleAnalyticsConfig, run.ctx)) ?? '', /Asia\/Tokyo/);
  const [found] = (await input.discover?.(connection as GoogleAnalyticsConfig, run.ctx)) ?? [];
  assert.is(found?.name, 'properties/123456789');
  assert.equal(found?.columns.slice(0, 2), [
    { name: 'date', sourceType: 'dimension', type: 'date', nullable: false },
    { name: 'dateHour', sourceType: 'dimension', type: 'datetime', nullable: false },
  ]);
  assert.equal(found?.columns.at(-1), { name: 'advertiserAdCost', sourceType: 'metric TYPE_CURRENCY', type: 'double', nullable: false });
  const cases: readonly (readonly [Partial<GoogleAnalyticsConfig>, string, string, RegExp])[] = [
    [{ dimensions: ['dateHuor'] }, 'GA_UNKNOWN_NAME', 'in.dimensions[0]', /did you mean "dateHour"\?/],
    [{ dimensions: ['level_name'] }, 'GA_UNKNOWN_NAME', 'in.dimensions[0]', /did you mean "customEvent:level_name"\?/],
    [{ metrics: ['country'], dimensions: ['date'] }, 'GA_UNKNOWN_NAME', 'in.metrics[0]', /which is a dimension/],
    [
      { metrics: ['activeUsers'], dimensions: ['itemName'] },
      'GA_INCOMPATIBLE',
      'in.dimensions[0]',
      /cannot stand in one report: itemName, activeUsers/,
    ],
    [
      { dimension_filter: { filter: { fieldName: 'contry', emptyFilter: {} } } },
      'GA_UNKNOWN_NAME',
      'in.dimension_filter.filter.fieldName',
      /did you mean "country"/,
    ],
    [{ start_date: '2024-02-30' }, 'GA_DATES', 'in.start_date', /found "2024-02-30"/],
    [{ start_date: '2024-05-09', end_date: '2024-05-08' }, 'GA_DATES', 'in.start_date', /not after the end/],
    [{ metrics: [] }, 'GA_REQUEST', 'in.metrics', /at least one metric, found none/],
    [{ dimensions: ['date', 'date'] }, 'GA_REQUEST', 'in.dimensions[1]', /twice/],
    [{ time_column: 'country' }, 'GA_COLUMN_NAMES', 'in.time_column', /would be named "country"/],
    [{ types: { contry: 'long' } }, 'GA_TYPES', 'in.types.contry', /found "contry"/],
    [{ row_limit: 5 }, 'GA_REQUEST', 'in.row_limit', /needs order_bys/],
  ];
  for (const [extra, code, path, message] of cases) {
    const error = await errorOf(server, () => run.plan(configOf(server, extra)));
    assert.is(error.code, code, JSON.stringify(extra));
    assert.is(error.path, path);
    assert.match(error.message, message);
    assert.ok(error.hint);
  }
  const blocked = await run.plan(configOf(server, { dimensions: ['date', 'nation'], metrics: ['advertiserAdCost'] }));
  assert.match(blocked.notes.join('\n'), /dimension nation is deprecated: its name is now country/);
  assert.match(blocked.notes.join('\n'), /advertiserAdCost is blocked .*NO_COST_METRICS.* all its values are 0/);
  const overlap = configOf(server, { date_ranges: [{ start_date: '5daysAgo' }, { start_date: '2daysAgo' }] });
  const { start_date: _, ...ranged } = overlap;
  assert.is((await errorOf(server, () => run.plan(ranged as GoogleAnalyticsConfig))).path, 'in.date_ranges');
});

test('filters and orders are checked before anything is asked', async () => {
  const text = { fieldName: 'country', stringFilter: { value: 'x' } };
  const cases: readonly (readonly [Partial<GoogleAnalyticsConfig>, string, RegExp])[] = [
    [{ dimension_filter: { andgroup: {} } }, 'in.dimension_filter.andgroup', /did you mean "andGroup"/],
    [{ dimension_filter: {} }, 'in.dimension_filter', /exactly one of andGroup.*found none/],
    [{ dimension_filter: { filter: text, andGroup: { expressions: [] } } }, 'in.dimension_filter', /found andGroup and filter/],
    [{ dimension_filter: { andGroup: { expressions: [] } } }, 'in.dimension_filter.andGroup.expressions', /list of filter expressions/],
    [
      { dimension_filter: { orGroup: { expressions: [{ filter: { ...text, inListFilter: { values: ['a'] } } }] } } },
      'in.dimension_filter.orGroup.expressions[0].filter',
      /stringFilter and inListFilter/,
    ],
    [
      { dimension_filter: { filter: { fieldName: 'country', stringFilter: { value: 'x', matchType: 'EXACTLY' } } } },
      'in.dimension_filter.filter.stringFilter.matchType',
      /did you mean "EXACT"/,
    ],
    [
      { metric_filter: { filter: { fieldName: 'activeUsers', betweenFilter: { fromValue: { int64Value: 1 }, toValue: { int64Value: 2 } } } } },
      'in.metric_filter.filter.fieldName',
      /expected a metric of this report/,
    ],
    [
      { metric_filter: { filter: { fieldName: 'eventCount', numericFilter: { operation: 'EQUAL', value: { int64Value: 1.5 } } } } },
      'in.metric_filter.filter.numericFilter.value.int64Value',
      /whole number, found 1.5/,
    ],
    [{ order_bys: [{ metric: { metricName: 'eventCount' }, dsc: true }] }, 'in.order_bys[0].dsc', /did you mean "desc"/],
    [{ order_bys: [{ dimension: { dimensionName: 'city' } }] }, 'in.order_bys[0].dimension.dimensionName', /expected a dimension of this report/],
  ];
  for (const [extra, path, message] of cases) {
    const error = await errorOf(server, () => new PluginRun().plan(configOf(server, extra)));
    assert.is(error.code, 'GA_REQUEST', JSON.stringify(extra));
    assert.is(error.path, path);
    assert.match(error.message, message);
  }
  assert.is(server.requests.length, 0);
});

test('guess writes a report that runs, and says why', async () => {
  const run = new PluginRun();
  const seed = { type: 'google_analytics', property: '123456789', json_keyfile: { content: server.key }, endpoint: server.url };
  const guessed = await input.guess?.(seed, run.ctx);
  assert.equal(guessed?.in, {
    dimensions: ['date', 'country', 'deviceCategory'],
    metrics: ['activeUsers', 'eventCount', 'totalRevenue'],
    start_date: '30daysAgo',
    end_date: 'yesterday',
    time_column: 'time',
    incremental: false,
  });
  const notes = Object.fromEntries((guessed?.notes ?? []).map(({ path, text }) => [path, text]));
  assert.is(notes['dimensions[0]'], 'Date: column date, date');
  assert.is(notes['metrics[2]'], 'Total revenue: column total_revenue, double (TYPE_CURRENCY)');
  assert.match(notes['incremental'] ?? '', /can be the cursor: set true, with reread_days: 3 and out.mode: merge/);
  assert.is(guessed?.timeColumn, 'time');
  assert.equal(guessed?.warnings, []);
  assert.is((await run.read({ ...seed, ...guessed?.in } as unknown as GoogleAnalyticsConfig)).length, 5);
});

test.run();
