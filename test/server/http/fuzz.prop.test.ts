import { Ajv } from 'ajv';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpDesk, TABLES, type Reply } from './http-desk.js';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>>;
}
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let desk: HttpDesk;
let key: string;
let document: Document;
/** Names of things that exist, by the part of the path before them. */
let known: Readonly<Record<string, readonly string[]>>;

test.before(async () => {
  desk = await HttpDesk.open();
  await desk.sql(...TABLES);
  const ended = await desk.store.addJob(desk.newJob());
  await desk.endJob(ended, { rowsRead: 3, resultFile: await desk.keep('SELECT range AS a FROM range(3)', 3, ['a']) });
  const waiting = await desk.store.addJob(desk.newJob());
  await desk.start({ rateLimit: { perSecond: 100_000, burst: 100_000 }, query: { ...desk.config.query, timeoutSecs: 5 } });
  key = await desk.key({ scopes: ['admin'] });
  document = (await desk.get('/openapi.json', { key })).json as unknown as Document;
  const [run] = await desk.store.listRuns({ limit: 1 });
  known = {
    jobs: [ended, waiting],
    runs: [run?.runId ?? ''],
    schedules: ['daily', 'totals'],
    pipelines: ['shop/orders'],
    tables: ['shop.orders', 'shop.big'],
  };
});
test.after(() => desk.close());

const NASTY = [
  '',
  '0',
  '-1',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '%',
  '../..',
  "'; DROP TABLE x; --",
  '$a',
  '1e999',
  'é\u202e',
  '{{ scheduled_time }}',
  'null',
];
const SQL = [
  'SELECT 1',
  'SELECT * FROM shop.orders',
  'SELECT $a',
  'SELECT count(*) FROM range(1000)',
  'SHOW TABLES',
  "SELECT repeat('x', 100000)",
  'SELECT 1 +',
  'SELECT [1, {a: NULL}]',
  'INSERT INTO shop.orders SELECT 1, 2',
  "COPY (SELECT 1) TO '/tmp/x'",
  "SELECT * FROM shop.orders FOR TIMESTAMP AS OF TIMESTAMP '1999-01-01'",
];

/** Mostly what the schema says, often what it does not. */
function valuesOf(name: string, schema: Schema, part: string): fc.Arbitrary<unknown> {
  const type = Array.isArray(schema.type) ? (schema.type as readonly string[])[0] : schema.type;
  const wrong = fc.oneof(
    fc.constantFrom(...NASTY),
    fc.integer(),
    fc.double(),
    fc.constant(null),
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: 'binary' }),
  );
  const right = (): fc.Arbitrary<unknown> => {
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (name === 'sql') return fc.constantFrom(...SQL);
    if (name === 'id' || name === 'name' || name === 'before') return fc.constantFrom(...(known[part] ?? ['x']));
    if (name === 'params')
      return fc.dictionary(fc.constantFrom('a', 'day', 'b', '__proto__x'), fc.constantFrom(...NASTY, 1, null, true, 1.5, 2 ** 60));
    switch (type) {
      case 'integer':
        return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) });
      case 'boolean':
        return fc.boolean();
      case 'string':
        return fc.oneof(fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-31T00:00:00Z', 'shop', '12'), fc.string());
      default:
        return fc.constant({});
    }
  };
  return fc.oneof({ weight: 9, arbitrary: right() }, { weight: 1, arbitrary: wrong });
}

function objectOf(
  part: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): fc.Arbitrary<Record<string, unknown>> {
  const model = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valuesOf(name, schema, part)]));
  const some = fc.record(model, { requiredKeys: [...required] }) as fc.Arbitrary<Record<string, unknown>>;
  const least = fc.record(Object.fromEntries(required.flatMap((name) => (model[name] ? [[name, model[name]]] : []))));
  const usual = fc.oneof(some, least as fc.Arbitrary<Record<string, unknown>>);
  const odd = fc.tuple(usual, fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })).map(([a, b]) => ({ ...a, ...b }));
  return fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

interface Shot {
  readonly path: string;
  readonly body: unknown;
}

function shotsAt(path: string, operation: Operation): fc.Arbitrary<Shot> {
  const part = path.split('/')[3] ?? '';
  const of = (where: 'path' | 'query'): Record<string, Schema> =>
    Object.fromEntries(operation.parameters.filter((p) => p.in === where).map((p) => [p.name, p.schema]));
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const encode = (value: unknown): string => encodeURIComponent(Buffer.from(text(value)).toString());
  const body = operation.requestBody?.content['application/json'].schema;
  return fc
    .record({
      params: fc.record(Object.fromEntries(Object.entries(of('path')).map(([name, schema]) => [name, valuesOf(name, schema, part)]))),
      query: objectOf(part, of('query')),
      body: body
        ? fc.oneof({ weight: 9, arbitrary: objectOf(part, body.properties ?? {}, body.required) }, { weight: 1, arbitrary: fc.jsonValue() })
        : fc.constant(undefined),
    })
    .map((shot) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode((shot.params as Record<string, unknown>)[name]));
      const query = Object.entries(shot.query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
      return { path: query.length > 0 ? `${filled}?${query.join('&')}` : filled, body: shot.body };
    });
}

function checkReply(
  method: string,
  shot: Shot,
  reply: Reply,
  operation: Operation,
  validate: (schema: Schema, value: unknown) => string | undefined,
): void {
  const what = `${method} ${shot.path} ${JSON.stringify(shot.body)} → ${reply.status} ${reply.text.slice(0, 300)}`;
  assert.ok(reply.status < 500, what);
  // An empty name makes another path.
  if (reply.status === 404 && reply.json['message'] === 'there is no such path or method') return;
  const response = operation.responses[reply.status] ?? (reply.status === 202 ? operation.responses['200'] : undefined);
  assert.ok(response, `undocumented: ${what}`);
  assert.not.match(reply.text, /\bat .*\.(ts|js):\d+/, what);
  const type = (reply.headers['content-type'] ?? '').split(';')[0] ?? '';
  if (reply.status >= 400) {
    assert.is(type, 'application/problem+json', what);
    for (const member of ['code', 'message', 'request_id']) assert.type(reply.json[member], 'string', what);
  } else if (
    type === 'application/json' &&
    operation.operationId !== 'getJobResult' &&
    !(operation.operationId === 'runQuery' && reply.status === 200)
  ) {
    const schema = response?.content?.['application/json']?.schema;
    if (schema) assert.is(validate(schema, reply.json), undefined, what);
  }
}

test('no input makes the server fail or hang, and every answer is the documented one', async () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const outcomes = new Set<string>();
  const validators = new Map<Schema, ReturnType<Ajv['compile']>>();
  const validate = (schema: Schema, value: unknown): string | undefined => {
    const check = validators.get(schema) ?? ajv.compile(schema);
    validators.set(schema, check);
    return check(value) ? undefined : ajv.errorsText(check.errors);
  };
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      await fc.assert(
        fc.asyncProperty(shotsAt(path, operation), async (shot) => {
          const reply = await desk.ask(shot.path, { method: method.toUpperCase(), key, body: shot.body });
          checkReply(method, shot, reply, operation, validate);
          outcomes.add(`${operation.operationId} ${reply.status < 300 ? 'answered' : 'refused'}`);
        }),
        { numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 1000 : operation.operationId === 'runQuery' ? 50 : 20 },
      );
      assert.ok(outcomes.has(`${operation.operationId} answered`), `${operation.operationId} was never answered`);
    }
  }
  assert.ok([...outcomes].filter((each) => each.endsWith('refused')).length > 12, 'bad input was among it');
});

test('bytes that are no request get an answer or a closed connection, and the server goes on', async () => {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(desk.address);
  const shoot = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.end(bytes));
      let text = '';
      socket.setTimeout(10_000, () => reject(new Error(`no end after ${Buffer.from(bytes).toString('latin1')}`)));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        socket.setTimeout(0);
        resolve(text);
      });
    });
  const head = fc.constantFrom(
    'GET /health HTTP/1.1\r\nHost: localhost\r\n',
    'POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n',
    '',
  );
  const rest = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(
      ...['\r\n', 'Host: evil\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\nZZ\r\n', `X: ${'y'.repeat(20_000)}\r\n\r\n`].map((text) =>
        Buffer.from(text),
      ),
    ),
  );
  await fc.assert(
    fc.asyncProperty(head, rest, async (start, end) => {
      const answer = await shoot(Buffer.concat([Buffer.from(start), end]));
      assert.not.match(answer, /^HTTP\/1\.1 5/);
    }),
    { numRuns: 40 },
  );
  assert.is((await desk.get('/health')).status, 200);
});

test.run();
