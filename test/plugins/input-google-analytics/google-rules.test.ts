import { lookup } from 'node:dns/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { metricType, snakeCase } from '../../../src/plugins/input-google-analytics/report-shape.js';
import { readFailure, readRetryAfter } from '../../../src/plugins/shared/google/failures.js';
import { guardedLookup, isRefusedAddress, readServiceUrl } from '../../../src/plugins/shared/network-rules.js';
import { startGoogleAnalytics } from '../../servers/google-analytics.js';
import { openAnalyticsDefinitions } from '../../servers/protobuf-json.js';
import { configOf, errorOf, PluginRun } from './plugin-run.js';

const lookUp = (host: string, all: boolean): Promise<unknown> =>
  new Promise((resolve, reject) => {
    guardedLookup(host, { all }, (error, address) => {
      if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
      else resolve(address);
    });
  });

test('link-local and metadata addresses are refused on the address that is connected to', async () => {
  for (const address of ['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1', '100.100.100.200', 'fd00:ec2::254', '0.0.0.0', '::'])
    assert.ok(isRefusedAddress(address), address);
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '142.250.1.1', '2a00:1450::1']) assert.not(isRefusedAddress(address), address);
  for (const all of [true, false]) {
    const refused = await lookUp('169.254.169.254', all).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.is(refused, 'EREFUSEDADDRESS');
  }
  assert.equal(await lookUp('localhost', false), (await lookup('localhost')).address);
  assert.is(readServiceUrl('http://localhost:8080/token', 'x').port, '8080');
});

test('a refused address is told as such, a certificate is no passing error', () => {
  const subject = { service: 'Google Analytics', doing: 'trying', accessHint: '' };
  const failureOf = (code: string) => readFailure(Object.assign(new Error('x'), { cause: { code } }), subject, 0).error;
  assert.is(failureOf('EREFUSEDADDRESS').code, 'ADDRESS_REFUSED');
  assert.is(failureOf('EREFUSEDADDRESS').retryable, false);
  assert.is(failureOf('DEPTH_ZERO_SELF_SIGNED_CERT').code, 'GOOGLE_CERTIFICATE');
  assert.is(failureOf('DEPTH_ZERO_SELF_SIGNED_CERT').retryable, false);
  assert.is(failureOf('ENOTFOUND').retryable, true);
  assert.is(failureOf('ENOTFOUND').message, 'Google Analytics: trying: the connection failed (ENOTFOUND)');
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2024-05-10T00:00:00Z');
  assert.is(readRetryAfter('120', now), 120_000);
  assert.is(readRetryAfter('Fri, 10 May 2024 00:00:30 GMT', now), 30_000);
  assert.is(readRetryAfter('Fri, 10 May 2023 00:00:30 GMT', now), 0);
  assert.is(readRetryAfter('soon', now), undefined);
  assert.is(readRetryAfter(null, now), undefined);
});

test('a redirect is not followed: it would carry the token elsewhere', async () => {
  const [server, other] = [await startGoogleAnalytics(), await startGoogleAnalytics()];
  try {
    server.fail({ on: 'GetMetadata', page: '', status: 307, headers: { location: `${other.url}v1beta/properties/123456789/metadata` } });
    const error = await errorOf(server, () => new PluginRun().plan(configOf(server)));
    assert.is(error.code, 'GOOGLE_BAD_ANSWER');
    assert.match(error.message, /status 307/);
    assert.is(error.retryable, false);
    assert.is(other.requests.length, 0);
  } finally {
    await Promise.all([server.stop(), other.stop()]);
  }
});

test('names in snake case, types of metrics', () => {
  const names = [
    'activeUsers',
    'active7DayUsers',
    'customEvent:level_name',
    'sessionKeyEventRate:form_submit',
    'isoYearIsoWeek',
    'videoURL',
    'URLPath',
    'date',
    'a/b',
  ];
  assert.equal(names.map(snakeCase), [
    'active_users',
    'active7_day_users',
    'custom_event_level_name',
    'session_key_event_rate_form_submit',
    'iso_year_iso_week',
    'video_url',
    'url_path',
    'date',
    'a_b',
  ]);
  assert.is(metricType('TYPE_INTEGER'), 'long');
  for (const type of ['TYPE_FLOAT', 'TYPE_SECONDS', 'TYPE_CURRENCY', 'TYPE_METERS', undefined]) assert.is(metricType(type), 'double');
});

test('the check against the published definitions names every fault', () => {
  const definitions = openAnalyticsDefinitions();
  const right = {
    dimensions: [{ name: 'date' }, { name: 'x', dimensionExpression: { concatenate: { dimensionNames: ['a', 'b'], delimiter: '/' } } }],
    metrics: [{ name: 'activeUsers' }, { name: 'm', expression: 'a/b', invisible: true }],
    dateRanges: [{ startDate: '2024-01-01', endDate: 'yesterday', name: 'r' }],
    dimensionFilter: { notExpression: { filter: { fieldName: 'city', stringFilter: { matchType: 'EXACT', value: 'a', caseSensitive: true } } } },
    metricFilter: { filter: { fieldName: 'activeUsers', numericFilter: { operation: 'GREATER_THAN', value: { int64Value: '5' } } } },
    orderBys: [{ dimension: { dimensionName: 'date', orderType: 'ALPHANUMERIC' }, desc: true }],
    limit: '250000',
    keepEmptyRows: true,
  };
  assert.equal(definitions.problems('RunReportRequest', right), []);
  const wrong = {
    dimension: [],
    metrics: [{ name: 1 }],
    dateRanges: { startDate: 'x' },
    dimensionFilter: { andGroup: { expressions: [] }, filter: { fieldName: 'a', stringFilter: { matchType: 'EXACTLY' } } },
    limit: 1.5,
    keepEmptyRows: 'yes',
    metricAggregations: ['SUM'],
  };
  assert.equal(
    definitions.problems('RunReportRequest', wrong).map((problem) => problem.split(/[:,]/)[0]),
    [
      'RunReportRequest.dimension',
      'RunReportRequest.metrics[0].name',
      'RunReportRequest.dateRanges',
      'RunReportRequest.dimensionFilter.filter.stringFilter.matchType',
      'RunReportRequest.dimensionFilter',
      'RunReportRequest.limit',
      'RunReportRequest.keepEmptyRows',
      'RunReportRequest.metricAggregations[0]',
    ],
  );
  const report = definitions.methods('BetaAnalyticsData').find(({ name }) => name === 'RunReport');
  assert.ok(report?.path.test('/v1beta/properties/123:runReport'));
  assert.not(report?.path.test('/v1beta/properties/123/x:runReport'));
});

test.run();
