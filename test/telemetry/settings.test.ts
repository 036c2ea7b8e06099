import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTraceSettings } from '../../src/core/telemetry/settings.js';
import { formatTraceparent, parseTraceparent } from '../../src/core/telemetry/index.js';
import { createSampler } from '../../src/core/telemetry/sampler.js';
import { areTracesWanted } from '../../src/core/telemetry/wanted.js';

const ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('traces are made only where the environment asks for them', () => {
  assert.is(areTracesWanted({}), false);
  assert.is(areTracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), false);
  assert.is(areTracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), true);
  assert.is(areTracesWanted({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/t' }), true);
  assert.is(areTracesWanted({ OTEL_TRACES_EXPORTER: 'console, otlp' }), true);
  assert.is(areTracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' }), false);
  assert.is(areTracesWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'TRUE' }), false);
});

test('the endpoint of all signals gets a path, that of traces is taken as it is', () => {
  const url = (env: Record<string, string>): string | undefined => readTraceSettings(env).settings?.url.href;
  assert.is(url({}), 'http://localhost:4318/v1/traces');
  assert.is(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }), 'https://c/otlp/v1/traces');
  assert.is(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/in' }), 'http://t/in');
});

test('variables for traces win; headers and resource attributes are percent-decoded', () => {
  const { settings, notes } = readTraceSettings({
    OTEL_EXPORTER_OTLP_HEADERS: 'x-team=a%20b,authorization=Bearer one',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=Bearer%20two=',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '250',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment.name=prod%2Ceu',
    OTEL_SERVICE_NAME: 'imports',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
  });
  assert.equal(notes, []);
  assert.equal(settings?.headers, { 'x-team': 'a b', authorization: 'Bearer two=' });
  assert.is(settings?.timeoutMs, 250);
  assert.is(settings?.protocol, 'http/json');
  assert.is(settings?.gzip, true);
  assert.equal(settings?.files, { ca: '/ca.pem' });
  assert.equal(settings?.resource, { 'service.name': 'imports', 'deployment.environment.name': 'prod,eu' });
  assert.equal(settings?.queue, { most: 10, batch: 10, delayMs: 5000 });
});

test('what cannot be understood is told without its value, and its default holds', () => {
  const { settings, notes } = readTraceSettings({
    OTEL_EXPORTER_OTLP_HEADERS: 'canary-secret',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
    OTEL_BSP_MAX_QUEUE_SIZE: '-1',
  });
  assert.is(settings?.timeoutMs, 10_000);
  assert.is(settings?.queue.most, 2048);
  assert.is(notes.length, 4);
  assert.not.match(notes.join(), 'canary');
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_TRACES_SAMPLER', 'OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_BSP_MAX_QUEUE_SIZE'])
    assert.ok(
      notes.some((note) => note.startsWith(`${name}: expected `)),
      name,
    );
});

test('without a usable receiver there are no traces', () => {
  for (const env of [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://c' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4318' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  ]) {
    const { settings, notes } = readTraceSettings(env);
    assert.is(settings, undefined);
    assert.is(notes.length, 1);
    assert.match(notes[0] ?? '', 'there are no traces');
  }
});

test('traceparent as the recommendation has it', () => {
  const text = `00-${ID}-${SPAN}-01`;
  const parsed = parseTraceparent(text, 'a=1,b=2');
  assert.equal(parsed, { traceId: ID, spanId: SPAN, sampled: true, state: 'a=1,b=2' });
  assert.is(parsed && formatTraceparent(parsed), text);
  assert.is(parseTraceparent(`00-${ID}-${SPAN}-00`)?.sampled, false);
  assert.is(parseTraceparent(`cc-${ID}-${SPAN}-01-more`)?.sampled, true, 'a later version');
  for (const wrong of [
    undefined,
    '',
    `ff-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-01-more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${SPAN}-01`,
  ])
    assert.is(parseTraceparent(wrong), undefined, wrong);
  assert.is(parseTraceparent(text, 'a\u0001')?.state, undefined);
});

test('samplers', () => {
  const parent = (sampled: boolean) => ({ traceId: ID, spanId: SPAN, sampled });
  assert.is(createSampler('always_off', 1)(ID, parent(true)), false);
  assert.is(createSampler('always_on', 1)(ID, parent(false)), true);
  assert.is(createSampler('parentbased_always_off', 1)(ID, parent(true)), true);
  assert.is(createSampler('parentbased_always_on', 1)(ID, parent(false)), false);
  assert.is(createSampler('parentbased_always_off', 1)(ID, undefined), false);
  const ids = Array.from({ length: 2000 }, (_, i) =>
    BigInt.asUintN(56, BigInt(i) * 0x9e3779b97f4a7c15n)
      .toString(16)
      .padStart(32, '0'),
  );
  const share = (name: string, ratio: number): number => ids.filter((id) => createSampler(name, ratio)(id, undefined)).length / ids.length;
  assert.is(share('traceidratio', 0), 0);
  assert.is(share('traceidratio', 1), 1);
  assert.ok(Math.abs(share('parentbased_traceidratio', 0.25) - 0.25) < 0.03);
});

test.run();
