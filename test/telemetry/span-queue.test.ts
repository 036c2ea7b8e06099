import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogFields } from '../../src/core/spi/index.js';
import { openTracing, type Tracing } from '../../src/core/telemetry/index.js';
import { OtlpReceiver } from '../servers/otlp.js';

interface Context {
  receiver: OtlpReceiver;
  logs: { readonly message: string; readonly fields: LogFields | undefined }[];
  open(env?: Record<string, string>): Tracing;
}

const test = suite<Context>('spans on their way');

test.before.each(async (context) => {
  context.receiver = await OtlpReceiver.start();
  context.logs = [];
  context.open = (env = {}) => {
    const log = { log: (_level: string, message: string, fields?: LogFields) => void context.logs.push({ message, fields }) };
    const tracing = openTracing({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: context.receiver.origin, ...env }, log, version: '1.2.3' });
    if (!tracing) throw new Error('no tracing');
    return tracing;
  };
});
test.after.each(({ receiver }) => receiver.close());

for (const protocol of ['http/protobuf', 'http/json'])
  for (const compression of ['none', 'gzip'])
    test(`a span arrives whole: ${protocol}, ${compression}`, async ({ receiver, open, logs }) => {
      const tracing = open({
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=1',
      });
      const { tracer } = tracing;
      await tracer.trace(
        'outer',
        { kind: 'server', attributes: { text: 'ü', whole: -7, half: 0.5, yes: true, no: false, list: ['a', 'b'], none: undefined } },
        async () => {
          tracer.event('retry', { 'sluice.attempt': 2 });
          await tracer.trace('inner', {}, () => Promise.reject(new Error('with a value'))).catch(() => undefined);
        },
      );
      await tracing.close();
      assert.equal(logs, []);
      const [outer, inner] = [receiver.span('outer'), receiver.span('inner')];
      assert.equal(outer.attributes, { text: 'ü', whole: -7, half: 0.5, yes: true, no: false, list: ['a', 'b'] });
      assert.equal(outer.events, [{ name: 'retry', attributes: { 'sluice.attempt': 2 } }]);
      assert.equal([outer.kind, inner.kind], [2, 1]);
      assert.equal([inner.parentId, inner.traceId], [outer.spanId, outer.traceId]);
      assert.equal(inner.status, { code: 2, message: 'UNEXPECTED' });
      assert.equal(outer.status, {});
      assert.ok(outer.startNs <= inner.startNs && inner.endNs <= outer.endNs);
      assert.ok(Math.abs(Number(outer.startNs / 1_000_000n) - Date.now()) < 60_000, 'nanoseconds since 1970');
      assert.is(outer.resource['service.name'], 'sluice');
      assert.is(outer.resource['service.version'], '1.2.3');
      assert.is(receiver.requests[0]?.path, '/v1/traces');
      assert.is(receiver.requests[0]?.headers['x-key'], '1');
      assert.not.match(receiver.text, 'with a value');
    });

test('a tracestate is handed on, and an unsampled caller is obeyed', async ({ receiver, open }) => {
  const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
  const tracing = open({ TRACEPARENT: `${caller}-01`, TRACESTATE: 'a=1' });
  await tracing.tracer.trace('kept', { parent: tracing.caller ?? null }, () => Promise.resolve());
  await tracing.close();
  assert.is(receiver.span('kept').parentId, 'b7ad6b7169203331');
  assert.match(receiver.text, 'a=1');
  const other = open({ TRACEPARENT: `${caller}-00` });
  await other.tracer.trace('left out', { parent: other.caller ?? null }, () => other.tracer.trace('below', {}, () => Promise.resolve()));
  await other.close();
  assert.is(receiver.spans.length, 1);
});

test('spans beyond the queue are lost, which is told once and summed up at the end', async ({ receiver, open, logs }) => {
  const tracing = open({ OTEL_BSP_MAX_QUEUE_SIZE: '3', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3' });
  const began = new Promise<void>((resolve) => (receiver.handle = () => resolve()));
  for (let i = 0; i < 3; i++) tracing.tracer.start(`first ${i}`).end();
  await began;
  for (let i = 0; i < 10; i++) tracing.tracer.start(`then ${i}`).end();
  assert.is(logs.length, 1);
  assert.match(logs[0]?.message ?? '', 'spans of traces were lost');
  assert.is(logs[0]?.fields?.['spans'], 1);
  await tracing.close();
  assert.is(logs.length, 2);
  assert.is(logs[1]?.fields?.['spans'], 13);
});

test('a receiver that never answers costs two seconds at the end, and no more', async ({ receiver, open, logs }) => {
  receiver.handle = () => undefined;
  const tracing = open();
  tracing.tracer.start('a').end();
  const started = performance.now();
  await tracing.close();
  const took = performance.now() - started;
  assert.ok(took > 1500 && took < 4000, `${took} ms`);
  assert.equal(
    logs.map(({ fields }) => fields?.['reason']),
    ['no answer in time'],
  );
});

test('a receiver that is down costs nothing', async ({ open, logs }) => {
  const tracing = open({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  for (let i = 0; i < 1500; i++) tracing.tracer.start('a').end();
  const started = performance.now();
  await tracing.close();
  assert.ok(performance.now() - started < 1500);
  assert.equal(logs.at(-1)?.fields?.['spans'], 1500);
  assert.equal(logs.at(-1)?.fields?.['reason'], 'ECONNREFUSED');
});

test('what was not taken for now is sent again', async ({ receiver, open, logs }) => {
  const tracing = open({ OTEL_BSP_SCHEDULE_DELAY: '1' });
  const asked = new Promise<void>((resolve) => {
    receiver.handle = (_request, response) => {
      receiver.handle = undefined;
      response.writeHead(503, { 'retry-after': '0' }).end('canary');
      resolve();
    };
  });
  tracing.tracer.start('a').end();
  await asked;
  await receiver.until((spans) => spans.length === 1);
  await tracing.close();
  assert.is(receiver.spans.length, 1);
  assert.equal(logs, []);
});

for (const status of [400, 401, 500])
  test(`what was refused with ${status} is not sent again`, async ({ receiver, open, logs }) => {
    receiver.handle = (_request, response) => response.writeHead(status).end('canary of the receiver');
    const tracing = open();
    tracing.tracer.start('a').end();
    await tracing.close();
    assert.is(receiver.requests.length, 1);
    assert.equal(
      logs.map(({ message, fields }) => [message, fields?.['spans'], fields?.['reason']]),
      [['spans of traces were lost', 1, `HTTP ${status}`]],
    );
  });

test('spans that the receiver took only in part are counted', async ({ receiver, open, logs }) => {
  receiver.handle = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"canary"}}');
  const tracing = open({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });
  for (let i = 0; i < 5; i++) tracing.tracer.start('a').end();
  await tracing.close();
  assert.equal(
    logs.map(({ fields }) => fields?.['spans']),
    [2],
  );
});

test('settings that give no receiver are told, and nothing is traced', () => {
  const said: string[] = [];
  const tracing = openTracing({
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    log: { log: (_level, message) => void said.push(message) },
    version: '1',
  });
  assert.is(tracing, undefined);
  assert.equal(said, ['OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or http/json; there are no traces']);
});

async function freePort(): Promise<number> {
  const taken = await OtlpReceiver.start();
  const port = Number(new URL(taken.origin).port);
  await taken.close();
  await new Promise<void>((resolve) => connect(port, '127.0.0.1').once('error', () => resolve()));
  return port;
}

test.run();
