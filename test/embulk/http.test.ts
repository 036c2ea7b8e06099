import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startHttp, type HttpServer } from '../servers/http.js';
import type { Desk } from '../cli/desk.js';
import { deskWith, nativeValue, signOf } from './lab.js';

let server: HttpServer;
let desk: Desk;
test.before(async () => {
  server = await startHttp();
  server.handle((_request, response) => response.writeHead(200, { 'content-type': 'text/csv' }).end('1,a\n2,b\n'));
  desk = deskWith({});
});
test.after(async () => {
  await server.stop();
  desk.remove();
});

const config = (more: string): string => `in:
  type: http
  url: ${server.origin}/rows
  method: get
  params:
  - {name: format, value: csv}
  basic_auth: {user: me, password: secret-of-me}
  user_agent: embulk
  open_timeout: 2000
  read_timeout: 10000
  max_retries: 5
  retry_interval: 10000
  request_interval: 100
${more}  parser: {type: csv, columns: [{name: n, type: long}, {name: s, type: string}]}
out: {type: stdout}
`;

test('an http input asks as Embulk does', async () => {
  desk.write('e.yml', config('  input_direct: true\n  charset: utf8\n'));
  assert.is(await signOf(config('')), 'in.open_timeout');
  const { stdout } = await desk.ok(['run', 'e.yml']);
  assert.is(stdout, '1,a\n2,b\n');
  const request = server.seen.at(-1);
  assert.is(request?.url, '/rows?format=csv');
  assert.is(request?.headers['user-agent'], 'embulk');
  assert.is(request?.headers.authorization, `Basic ${Buffer.from('me:secret-of-me').toString('base64')}`);
  const { in: input } = (await nativeValue(config(''))) as { in: Record<string, unknown> };
  const { timeout_secs, retry_limit, initial_retry_interval_millis, requests_per_second } = input;
  assert.equal([timeout_secs, retry_limit, initial_retry_interval_millis, requests_per_second], [10, 5, 10_000, 10]);
});

test('what makes several requests is refused with a way to say it', async () => {
  desk.write('e.yml', config('  pager: {from_param: from, pages: 3}\n  charset: ms932\n').replace('value: csv', 'value: "{a,b}", expand: true'));
  const { code, stderr } = await desk.sluice(['check', 'e.yml']);
  assert.is(code, 2);
  for (const hint of ['pagination: {type: page', 'parser.charset', 'one request for each value of a parameter'])
    assert.ok(stderr.includes(hint), stderr);
});

test.run();
