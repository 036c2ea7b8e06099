import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS } from '../cli/desk.js';
import { OtlpReceiver, type ReceivedSpan } from '../servers/otlp.js';

const CANARY = 'canary-4711-secret';
const PROGRAM = fileURLToPath(new URL('../server/serve-program.ts', import.meta.url));
const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

interface Context {
  desk: Desk;
  receiver: OtlpReceiver;
  env: Record<string, string>;
}

const test = suite<Context>('traces of commands');

test.before.each(async (context) => {
  context.desk = new Desk();
  context.receiver = await OtlpReceiver.start();
  context.env = { OTEL_EXPORTER_OTLP_ENDPOINT: context.receiver.origin, OTEL_EXPORTER_OTLP_HEADERS: `authorization=${CANARY}` };
  context.desk.write('data/orders_1.csv', csv(1, 2));
  context.desk.write('data/orders_2.csv', csv(3));
  context.desk.write('orders.yml', ORDERS);
});
test.after.each(async ({ desk, receiver }) => {
  assert.not.match(receiver.text, CANARY);
  desk.remove();
  await receiver.close();
});

const names = (spans: readonly ReceivedSpan[]): readonly string[] => spans.map((span) => span.name);

test('a run is a tree: the command, the run, its plan, tasks, commit and clean-up', async ({ desk, receiver, env }) => {
  const { code, stderr } = await desk.sluice(['run', 'orders.yml'], {
    env: { ...env, OTEL_SERVICE_NAME: 'imports', TRACEPARENT: `00-${CALLER.traceId}-${CALLER.spanId}-01` },
  });
  assert.is(code, 0, stderr);
  assert.not.match(stderr, 'spans');
  const root = receiver.span('sluice run');
  assert.equal([root.traceId, root.parentId], [CALLER.traceId, CALLER.spanId]);
  assert.is(root.resource['service.name'], 'imports');
  assert.is(receiver.requests[0]?.headers.authorization, CANARY);
  const run = receiver.span('run orders');
  assert.equal(names(receiver.childrenOf(root)), ['run orders']);
  assert.equal(names(receiver.childrenOf(run)), ['plan', 'task', 'commit', 'clean-up']);
  const runId = await desk.runId();
  for (const name of ['run orders', 'task', 'commit', 'clean-up']) assert.is(receiver.span(name).attributes['sluice.run.id'], runId, name);
  const { attributes } = run;
  assert.equal([attributes['sluice.run.status'], attributes['sluice.target']], ['committed', 'shop.orders']);
  assert.equal([attributes['sluice.rows.read'], attributes['sluice.rows.written'], attributes['sluice.rows.rejected']], [3, 3, 0]);
  assert.ok(Number(attributes['sluice.bytes.read']) > 0);
  const task = receiver.span('task').attributes;
  assert.equal([task['sluice.task'], task['sluice.rows.read'], task['sluice.rows.written']], [0, 3, 3]);
  assert.equal(receiver.span('plan').attributes['sluice.tasks'], 1);
  assert.equal(receiver.span('commit').attributes['sluice.output.type'], 'warehouse');
  for (const child of receiver.spans) assert.ok(child.startNs <= child.endNs && (child === root || child.startNs >= root.startNs), child.name);
});

test('each target of a list is a commit of its own', async ({ desk, receiver, env }) => {
  desk.write(
    'orders.yml',
    ORDERS.replace(
      /^out:.*$/m,
      'out: [{type: warehouse, table: shop.orders}, {type: warehouse, table: shop.copy}, {type: file, path_prefix: out/orders, mode: append, formatter: {type: csv}}]',
    ),
  );
  const { code, stderr } = await desk.sluice(['run', 'orders.yml'], { env });
  assert.is(code, 0, stderr);
  const whole = receiver.spans.find((span) => span.name === 'commit' && span.attributes['sluice.output.type'] === 'list');
  assert.ok(whole);
  const parts = receiver.childrenOf(whole);
  assert.equal(
    parts.map(({ attributes }) => [attributes['sluice.output.type'], attributes['sluice.rows.written']]),
    [
      ['file', 3],
      ['warehouse', 6],
    ],
  );
  assert.match(String(parts[1]?.attributes['sluice.target']), /shop\.orders.*shop\.copy/);
});

test('a failure is told by its code, never by a value', async ({ desk, receiver, env }) => {
  desk.write('data/orders_3.csv', csv(CANARY));
  const { code } = await desk.sluice(['run', 'orders.yml'], { env });
  assert.is(code, 3);
  for (const name of ['sluice run', 'run orders']) {
    const { status, attributes } = receiver.span(name);
    assert.equal(status, { code: 2, message: 'TOO_MANY_REJECTS' }, name);
    assert.is(attributes['error.type'], 'TOO_MANY_REJECTS');
  }
  assert.equal(
    receiver.spans.filter((span) => span.name === 'commit'),
    [],
  );
});

test('a run that is continued says so', async ({ desk, receiver, env }) => {
  const failed = await desk.sluice(['run', 'orders.yml'], {
    reach: (point) => {
      if (point === 'run.tasks_done') throw new Error('power cut');
    },
  });
  assert.is.not(failed.code, 0);
  await desk.ok(['run', 'orders.yml'], { env });
  assert.equal(receiver.span('run orders').events, [
    { name: 'resume', attributes: { 'sluice.run.id': await desk.runId(), 'sluice.tasks.finished': 1, 'sluice.tasks': 1 } },
  ]);
});

test('a query is planned, pruned and executed; its text and values stay here', async ({ desk, receiver, env }) => {
  await desk.ok(['run', 'orders.yml']);
  const sql = `/* ${CANARY} */ SELECT id, '${CANARY}' AS secret FROM shop.orders WHERE id > $least`;
  const { stdout } = await desk.ok(['query', sql, '--param', `least=1`, '--format', 'csv'], { env });
  assert.match(stdout, CANARY);
  const query = receiver.span('SELECT');
  assert.is(query.parentId, receiver.span('sluice query').spanId);
  assert.equal(names(receiver.childrenOf(query)), ['plan', 'prune', 'execute']);
  const { attributes } = query;
  assert.equal(
    [attributes['db.operation.name'], attributes['db.collection.name'], attributes['db.response.returned_rows']],
    ['SELECT', 'shop.orders', 2],
  );
  assert.equal([attributes['sluice.files.total'], attributes['sluice.rows.read']], [1, 3]);
  const [plan, prune, execute] = ['plan', 'prune', 'execute'].map((name) => receiver.span(name));
  assert.ok(plan && prune && execute && plan.endNs <= prune.startNs && prune.endNs <= execute.startNs && execute.endNs <= query.endNs);
});

test('statements that write and wrong ones', async ({ desk, receiver, env }) => {
  await desk.ok(['query', `CREATE TABLE shop.t AS SELECT '${CANARY}' AS secret`], { env });
  assert.is(receiver.span('CREATE').attributes['sluice.rows.written'], 1);
  const { code } = await desk.sluice(['query', `SELECT ${CANARY.replaceAll('-', '_')} FROM shop.t`], { env });
  assert.is(code, 2);
  assert.equal(receiver.span('SELECT').status, { code: 2, message: 'SQL_INVALID' });
  assert.not.match(receiver.text, CANARY.replaceAll('-', '_'));
});

test('statements of an export stand below its tasks', async ({ desk, receiver, env }) => {
  await desk.ok(['run', 'orders.yml']);
  await desk.ok(['export', 'SELECT * FROM shop.orders', '--to', 'file:out/orders.csv'], { env });
  const tasks = receiver.spans.filter((span) => span.name === 'task');
  const below = tasks.flatMap((task) => receiver.childrenOf(task));
  assert.ok(
    below.some((span) => span.name === 'SELECT' && span.attributes['sluice.rows.written'] === 3),
    names(receiver.spans).join(),
  );
});

for (const [what, handle] of [
  ['refuses', (response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end()],
  ['is silent', () => undefined],
] as const)
  test(`a receiver that ${what} changes neither the result nor the exit code`, async ({ desk, receiver, env }) => {
    receiver.handle = (_request, response) => handle(response);
    const { code, stderr } = await desk.sluice(['run', 'orders.yml'], { env });
    assert.is(code, 0);
    assert.is(stderr.split('spans of traces were lost').length, 2, stderr);
    assert.equal(await desk.ids(), [1, 2, 3]);
    desk.write('data/orders_3.csv', csv('x'));
    assert.is((await desk.sluice(['run', 'orders.yml'], { env })).code, 3);
  });

test('unless the environment asks for traces, nothing of them is loaded', ({ desk, receiver, env }) => {
  const log = join(desk.folder, 'loaded.txt');
  const hook = `import { appendFileSync } from 'node:fs';
    export function load(url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context); }`;
  const data = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = data(`import { register } from 'node:module'; register(${JSON.stringify(data(hook))});`);
  const loaded = (more: Record<string, string>): readonly string[] => {
    desk.write('loaded.txt', '');
    const args = ['--import', import.meta.resolve('tsx'), '--import', register, PROGRAM, 'run', 'orders.yml'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: desk.folder, env: { PATH: process.env['PATH'], LOADED: log, ...more } });
    assert.is(status, 0, stderr.toString());
    return readFileSync(log, 'utf8')
      .split('\n')
      .filter((url) => /telemetry/.test(url))
      .map((url) => url.replace(/^.*telemetry\/|\?.*$/g, ''));
  };
  assert.equal([...loaded({})].sort(), ['open-tracing.ts', 'wanted.ts']);
  assert.equal([...loaded({ ...env, OTEL_SDK_DISABLED: 'true' })].sort(), ['open-tracing.ts', 'wanted.ts']);
  assert.ok(loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }).includes('otlp-http.ts'), 'the hook sees what is loaded');
  assert.is(receiver.requests.length, 0);
});

test.run();
