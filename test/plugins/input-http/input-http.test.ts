import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import { compileSchema } from '../../../src/core/config/validate.js';
import type { JsonObject, SluiceError, SourceFile, TaskContext } from '../../../src/core/spi/index.js';
import httpInput, { type HttpInputConfig } from '../../../src/plugins/input-http/index.js';
import { TestProject } from '../../engine/project.js';
import { startHttp, type HttpServer } from '../../servers/http.js';

const test = suite('input http');
let server: HttpServer;
let other: HttpServer;
let temp: string;

test.before(async () => {
  temp = mkdtempSync(join(tmpdir(), 'sluice-http-'));
  server = await startHttp();
  other = await startHttp();
});

test.after(async () => {
  await server.stop();
  await other.stop();
  rmSync(temp, { recursive: true, force: true });
});

const waits: number[] = [];
let now = Date.parse('2026-02-01T00:00:00Z');

function context(): TaskContext & { readonly place: { at(path: string): { path: string } } } {
  return {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => now, sleep: (ms: number) => Promise.resolve(void waits.push(ms)) },
    root: temp,
    tempDir: mkdtempSync(join(temp, 'task-')),
    place: { at: (path: string) => ({ path }) },
  } as unknown as ReturnType<typeof context>;
}

async function prepare(config: JsonObject): Promise<HttpInputConfig> {
  const validate = await compileSchema(httpInput.schema);
  const copy = structuredClone({ type: 'http', url: `${server.origin}/data`, ...config });
  assert.ok(validate(copy), JSON.stringify(validate.errors));
  return copy as unknown as HttpInputConfig;
}

/** What a task would read of the first file. */
async function read(config: JsonObject): Promise<string> {
  waits.length = 0;
  const prepared = await prepare(config);
  const [file] = await httpInput.list(prepared, context());
  const fetched = await httpInput.fetch?.(file as SourceFile, prepared, context());
  return readFileSync(fetched?.path ?? '', 'utf8');
}

async function failure(work: () => Promise<unknown>): Promise<SluiceError> {
  try {
    await work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('expected an error');
}

test('keeps the contract of inputs', async () => {
  const url = `${server.origin}/x`;
  await checkInput(httpInput, [
    { title: 'incremental without windows', config: { url, incremental: true }, error: 'HTTP_INCREMENTAL' },
    { title: 'a body of GET', config: { url, body: {} }, error: 'HTTP_BODY' },
    { title: 'a secret in the address', config: { url: `${url}?api_key=12345` }, error: 'HTTP_SECRET_IN_URL' },
    {
      title: 'dates and hours',
      config: { url, windows: { start: '2026-01-01', hours: 5, from_param: 'a', to_param: 'b', format: 'date' } },
      error: 'HTTP_WINDOWS',
    },
    { title: 'a metadata address', config: { url: 'http://169.254.169.254/latest' }, error: 'HTTP_ADDRESS' },
    { title: 'a metadata address, written as IPv6', config: { url: 'http://[::ffff:169.254.169.254]/latest' }, error: 'HTTP_ADDRESS' },
  ]);
});

test('one answer: parameters, headers, compression, credentials', async () => {
  server.handle((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('id\n1\n')));
  const text = await read({ params: { a: 'x y', b: 2 }, headers: { 'X-Tenant': 't' }, auth: { type: 'basic', user: 'u', password: 'p:w' } });
  assert.is(text, 'id\n1\n');
  assert.is(server.seen[0]?.url, '/data?a=x+y&b=2');
  assert.is(server.seen[0]?.headers['x-tenant'], 't');
  assert.is(server.seen[0]?.headers.authorization, `Basic ${Buffer.from('u:p:w').toString('base64')}`);
  await read({ auth: { type: 'query', name: 'key', value: 'k&1' }, method: 'POST', body: { a: [1] } });
  const last = server.seen.at(-1);
  assert.equal([last?.method, last?.url, last?.body, last?.headers['content-type']], ['POST', '/data?key=k%261', '{"a":[1]}', 'application/json']);
});

test('pages by number, up to a page without records; a shorter page is not the end', async () => {
  const pages = ['[{"id":1},{"id":2}]', '[{"id":12345678901234567890.10}]', '[{"id":4}]', '[]'];
  server.handle((_request, response, url) => response.end(pages[Number(url.searchParams.get('page')) - 1]));
  assert.is(await read({ pagination: { type: 'page', size_param: 'per', size: 2 } }), `${pages.slice(0, 3).join('\n')}\n`);
  assert.equal(
    server.seen.map((request) => request.url),
    [1, 2, 3, 4].map((page) => `/data?page=${page}&per=2`),
  );
});

test('pages by offset count the records that came; a header is kept once', async () => {
  const rows = ['1,a', '2,b', '3,c'];
  server.handle((_request, response, url) => response.end(['id,x', ...rows.slice(Number(url.searchParams.get('skip'))).slice(0, 2), ''].join('\n')));
  assert.is(await read({ pagination: { type: 'offset', param: 'skip', header_lines: 1 } }), 'id,x\n1,a\n2,b\n3,c\n');
  assert.is(server.seen.length, 3);
});

test('a cursor is sent back digit by digit; a status may say the end', async () => {
  server.handle((_request, response, url) => {
    const after = url.searchParams.get('after');
    if (after === null) response.end('{"items":[1],"meta":{"next":12345678901234567890}}');
    else if (after === '12345678901234567890') response.end('{"items":[2],"meta":{"next":"x/y?"}}');
    else response.writeHead(404).end('over');
  });
  const config = { pagination: { type: 'cursor', param: 'after', cursor: '/meta/next', end_statuses: [404] } };
  assert.is(await read(config), '{"items":[1],"meta":{"next":12345678901234567890}}\n{"items":[2],"meta":{"next":"x/y?"}}\n');
  server.handle((_request, response) => response.end('{"items":[1],"meta":{"next":null}}'));
  assert.is(await read(config), '{"items":[1],"meta":{"next":null}}\n');
});

test('next addresses and Link headers are followed on the same origin alone', async () => {
  server.handle((_request, response, url) => {
    const page = Number(url.searchParams.get('p') ?? 1);
    const link = page < 3 ? { link: `<${server.origin}/data?p=9>; rel="last", </data?p=${page + 1}>; rel="next"` } : {};
    response.writeHead(200, link).end(`{"page":${page}}`);
  });
  assert.is(
    await read({ pagination: { type: 'link' }, auth: { type: 'query', name: 'key', value: 'secret-key' } }),
    '{"page":1}\n{"page":2}\n{"page":3}\n',
  );
  assert.ok(server.seen.every((request) => request.url.includes('key=secret-key')));

  server.handle((_request, response) => response.end(JSON.stringify({ next: `${other.origin}/data` })));
  other.handle((_request, response) => response.end('{}'));
  const config = { pagination: { type: 'next' }, auth: { type: 'bearer', token: 'canary-token' }, headers: { 'X-Key': 'canary-key' } };
  const error = await failure(() => read(config));
  assert.is(error.code, 'HTTP_OTHER_ORIGIN');
  assert.match(error.hint ?? '', `name ${other.host} in allow_hosts`);
  assert.is(other.seen.length, 0);
  await read({ ...config, allow_hosts: [other.host] });
  assert.is(other.seen.length, 1);
  assert.is(other.seen[0]?.headers.authorization, undefined);
  assert.is(other.seen[0]?.headers['x-key'], undefined);
});

test('redirects keep to the same rules', async () => {
  server.handle((request, response) => {
    if (request.url === '/data') response.writeHead(302, { location: '/moved' }).end();
    else response.end('there');
  });
  assert.is(await read({}), 'there');
  server.handle((_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end());
  assert.is((await failure(() => read({}))).code, 'HTTP_OTHER_ORIGIN');
  assert.is((await failure(() => read({ allow_hosts: ['169.254.169.254'] }))).code, 'HTTP_ADDRESS');
  server.handle((_request, response) => response.writeHead(302, { location: '/data' }).end());
  assert.is((await failure(() => read({}))).code, 'HTTP_STATUS', 'a redirect in a circle ends');
});

test('what never ends is an error: the same cursor, the same page, too many pages', async () => {
  server.handle((_request, response) => response.end('{"next_cursor":"a"}'));
  assert.is((await failure(() => read({ pagination: { type: 'cursor' } }))).code, 'HTTP_CURSOR_REPEATED');
  server.handle((_request, response) => response.end('[1,2]'));
  const repeated = await failure(() => read({ pagination: { type: 'page' } }));
  assert.is(repeated.code, 'HTTP_PAGE_REPEATED');
  assert.match(repeated.hint ?? '', 'pagination.param');
  server.handle((_request, response, url) => response.end(`[${url.searchParams.get('page')}]`));
  const many = await failure(() => read({ pagination: { type: 'page' }, max_pages: 3 }));
  assert.is(many.code, 'HTTP_TOO_MANY_PAGES');
  assert.is(server.seen.length, 3);
  const large = await failure(() => read({ max_response_bytes: 2 }));
  assert.is(large.code, 'HTTP_TOO_LARGE');
  assert.match(large.hint ?? '', 'max_response_bytes');
});

test('busy servers are asked again when they say so; a broken answer is read anew', async () => {
  let requests = 0;
  server.handle((_request, response) => {
    requests++;
    if (requests === 1) response.writeHead(429, { 'retry-after': '7' }).end();
    else if (requests === 2) response.writeHead(503, { 'retry-after': new Date(now + 3000).toUTCString() }).end();
    else if (requests === 3) response.writeHead(500).end();
    else if (requests === 4) {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half of');
      setImmediate(() => response.destroy());
    } else response.end('whole');
  });
  assert.is(await read({}), 'whole');
  assert.equal(waits, [7000, 3000, 4000, 8000]);

  server.handle((_request, response) => response.writeHead(503, { 'retry-after': '86400' }).end());
  const error = await failure(() => read({}));
  assert.is(error.code, 'HTTP_BUSY');
  assert.is(error.retryable, true);
  assert.is(server.seen.length, 1, 'nobody waits for a day');
});

test('a refusal is said at once, without the secret', async () => {
  server.handle((_request, response) => response.writeHead(403).end('token canary-token is not known'));
  const denied = await failure(() => read({ auth: { type: 'bearer', token: 'canary-token' } }));
  assert.is(denied.code, 'HTTP_DENIED');
  assert.match(denied.message, 'the server answered 403 Forbidden: token *** is not known');
  assert.is(server.seen.length, 1);
  server.handle((_request, response) => response.writeHead(404).end('no such thing'));
  const missing = await failure(() => read({}));
  assert.equal([missing.code, missing.retryable], ['HTTP_STATUS', false]);
  const unreachable = await failure(() => read({ url: 'http://127.0.0.1:1/', retry_limit: 1 }));
  assert.equal([unreachable.code, unreachable.retryable], ['HTTP_UNREACHABLE', true]);
});

test('requests_per_second spaces requests', async () => {
  server.handle((_request, response, url) => response.end(Number(url.searchParams.get('page')) < 4 ? `[${url.searchParams.get('page')}]` : '[]'));
  await read({ pagination: { type: 'page' }, requests_per_second: 4 });
  assert.equal(waits, [250, 500, 750]);
});

test('windows that are over become files with stable names', async () => {
  now = Date.parse('2026-01-03T01:00:00Z');
  const windows = { start: '2026-01-01', from_param: 'from', to_param: 'to', format: 'date' };
  const config = await prepare({ windows, incremental: true });
  const names = (await httpInput.list(config, context())).map((file) => file.name);
  assert.equal(names, [`${server.origin}/data?from=2026-01-01&to=2026-01-02`, `${server.origin}/data?from=2026-01-02&to=2026-01-03`]);
  const late = await prepare({ windows: { ...windows, lag_hours: 2 }, incremental: true });
  assert.is((await httpInput.list(late, context())).length, 1);
  const early = await failure(async () => httpInput.list(await prepare({ windows: { ...windows, start: '2026-01-03' } }), context()));
  assert.is(early.code, 'NO_FILES');
});

test('loads pages of JSON exactly, windows once, and everything again without them', async () => {
  server.handle((_request, response, url) => {
    const from = url.searchParams.get('from');
    const next = url.searchParams.get('cursor') === null ? '"n"' : 'null';
    const id = next === 'null' ? '9007199254740993' : '1';
    response.end(`{"items":[{"id":${id},"price":0.10,"day":${JSON.stringify(from)}}],"next_cursor":${next}}`);
  });
  const project = new TestProject();
  const config = (more: string, table: string): string => `in:
  type: http
  url: ${server.origin}/data
  auth: {type: bearer, token: {env: API_TOKEN}}
  pagination: {type: cursor}
${more}  parser:
    type: json
    root: /items
    flatten_json_array: true
    columns: [{name: id, type: long}, {name: price, type: "decimal(10,2)"}, {name: day, type: string}]
out: {type: warehouse, table: api.${table}}
`;
  const env = { API_TOKEN: 'canary-token' };
  const run = async (file: string): Promise<{ read: number; status: string }> => {
    const outcome = await project.sluice(['run', file, '--json'], { env });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.not.match(outcome.stdout + outcome.stderr, 'canary');
    return (JSON.parse(outcome.stdout) as { pipelines: { read: number; status: string }[] }).pipelines[0] as { read: number; status: string };
  };
  try {
    const start = new Date(Date.now() - 60 * 3_600_000).toISOString().slice(0, 10);
    project.write('w.yml', config(`  windows: {start: "${start}", from_param: from, to_param: to, format: date}\n  incremental: true\n`, 'w'));
    const first = await run('w.yml');
    assert.ok(first.read === 4 || first.read === 6, String(first.read));
    assert.is((await run('w.yml')).status, 'up-to-date');
    assert.is((await project.query('SELECT count(*) AS n FROM api.w WHERE id = 9007199254740993 AND price = 0.10'))[0]?.['n'], first.read / 2);

    project.write('all.yml', config('', 'everything'));
    assert.is((await run('all.yml')).read, 2);
    assert.is((await run('all.yml')).read, 2);
    assert.ok(server.seen.every((request) => request.headers.authorization === 'Bearer canary-token'));
  } finally {
    project.remove();
  }
});

test('guess finds the columns of the first page', async () => {
  server.handle((_request, response) =>
    response.end('id,price,at\n1,10.50,2026-01-01 10:00:00\n2,0.99,2026-01-02 11:00:00\n3,7.25,2026-01-03 12:00:00\n'),
  );
  const project = new TestProject();
  try {
    project.write('seed.yml', `in:\n  type: http\n  url: ${server.origin}/data\nout: {type: warehouse, table: api.t}\n`);
    const outcome = await project.sluice(['guess', 'seed.yml', '-o', 'api.yml']);
    assert.is(outcome.code, 0, outcome.stderr);
    assert.match(readFileSync(join(project.folder, 'api.yml'), 'utf8'), /name: id, type: long/);
    assert.is((await project.run('api.yml')).read, 3);
  } finally {
    project.remove();
  }
});

test('the config in configs/servers runs', async () => {
  server.handle((_request, response, url) =>
    response.end(`{"items":[{"id":1,"price":0.10}],"next":${url.searchParams.has('after') ? 'null' : '"a"'}}`),
  );
  const project = new TestProject();
  try {
    project.write('http.yml', readFileSync(new URL('../../../configs/servers/input-http.yml', import.meta.url)));
    const outcome = await project.sluice(['run', 'http.yml'], { env: { API_URL: `${server.origin}/data`, API_TOKEN: 'canary-token' } });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.equal(await project.query('SELECT count(*) AS n FROM demo.input_http'), [{ n: 2 }]);
  } finally {
    project.remove();
  }
});

test('probe says what answered', async () => {
  server.handle((_request, response) => response.end('x'.repeat(100_000)));
  assert.is(await httpInput.probe?.(await prepare({}), context()), `${server.origin} answers 200`);
});

test('long packed answers of a busy server, read as far as their beginning, hold no connection', async () => {
  const long = gzipSync(randomBytes(6_000_000).toString('base64'));
  server.handle((_request, response) => {
    if (server.seen.length > 6) response.end('1\n');
    else response.writeHead(503, { 'content-encoding': 'gzip' }).end(long);
  });
  const begun = Date.now();
  assert.is(await read({}), '1\n');
  assert.is(server.seen.length, 7);
  assert.ok(Date.now() - begun < 30_000, 'nothing waited for timeout_secs');
});

test.run();
