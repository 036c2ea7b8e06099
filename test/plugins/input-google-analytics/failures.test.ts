import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GoogleAnalyticsConfig } from '../../../src/plugins/input-google-analytics/config.js';
import { startGoogleAnalytics, type AnalyticsServer, type Fault } from '../../servers/google-analytics.js';
import { configOf, errorOf, hit, PluginRun, refuseSecrets, type ShownError } from './plugin-run.js';

let server: AnalyticsServer;
const folder = mkdtempSync(join(tmpdir(), 'sluice-ga-'));
const savedEnv = { ...process.env };

test.before(async () => {
  server = await startGoogleAnalytics();
});
test.before.each(() => {
  server.reset();
  server.property.hits = Array.from({ length: 30 }, (_, i) => hit('202405081200', `country ${String(i).padStart(2, '0')}`, i));
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  process.env['CLOUDSDK_CONFIG'] = join(folder, 'no-such-folder');
});
test.after.each(() => assert.equal(server.violations, []));
test.after(async () => {
  for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'CLOUDSDK_CONFIG', 'GCE_METADATA_HOST']) {
    if (savedEnv[name] === undefined) delete process.env[name];
    else process.env[name] = savedEnv[name];
  }
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

const oneDay = (extra: Partial<GoogleAnalyticsConfig> = {}): GoogleAnalyticsConfig =>
  configOf(server, { start_date: '2024-05-08', end_date: '2024-05-08', page_size: 10, ...extra });

const reports = (): number => server.requests.filter((r) => r.method === 'RunReport').length;

/** Plans well, then reads the one day with a fault on its second page. */
async function readWith(
  fault: Omit<Fault, 'on'>,
  config = oneDay(),
): Promise<{ run: PluginRun; rows: (string | null)[][] | undefined; error: ShownError | undefined }> {
  const run = new PluginRun();
  server.heal();
  const plan = await run.plan(config);
  server.fail({ on: 'RunReport', after: 1, ...fault });
  server.requests.length = 0;
  let rows: (string | null)[][] | undefined;
  const work = async (): Promise<void> => void (rows = await run.read(config, plan));
  const error = await errorOf(server, async () => {
    await work();
    throw Object.assign(new Error('went well'), { code: 'WENT_WELL' });
  });
  refuseSecrets(server, run.logs.join('\n'));
  return { run, rows, error: error.code === 'WENT_WELL' ? undefined : error };
}

test('quota errors are waited out as the server says, and are bounded', async () => {
  const fault = { status: 429, code: 'RESOURCE_EXHAUSTED', message: 'Exhausted property tokens per hour.' };
  const { rows, run } = await readWith({ ...fault, times: 2, headers: { 'retry-after': '7' } });
  assert.is(rows?.length, 30);
  assert.equal(run.sleeps, [7000, 7000]);
  assert.match(run.logs.join('\n'), /asking Google again .*GOOGLE_QUOTA/s);

  const long = await readWith({ ...fault, headers: { 'retry-after': '3600' } });
  assert.is(long.error?.code, 'GOOGLE_QUOTA');
  assert.is(long.error?.retryable, false, 'the engine must not ask again at once');
  assert.match(long.error?.message ?? '', /Exhausted property tokens per hour\. \(the server asks to wait 3600 s, the limit is 120 s\)/);
  assert.match(long.error?.hint ?? '', /retry\.max_wait_secs/);
  assert.equal(long.run.sleeps, []);

  server.reset();
  server.property.hits = [hit('202405081200', 'x')];
  const noHeader = new PluginRun();
  server.fail({ on: 'RunReport', times: 3, ...fault });
  await noHeader.plan(oneDay());
  assert.is(noHeader.sleeps.length, 3);
  noHeader.sleeps.forEach((ms, i) => assert.ok(ms > 1499 * 2 ** i && ms <= 2000 * 2 ** i, `wait ${i} is ${ms}`));
});

test('a server error passes, or stays and is told as one that may pass', async () => {
  const passing = await readWith({ status: 503, code: 'UNAVAILABLE', times: 3 });
  assert.is(passing.rows?.length, 30);
  assert.is(reports(), 3 + 3);
  const staying = await readWith({ status: 500, times: 1000 });
  assert.is(staying.error?.code, 'GOOGLE_UNAVAILABLE');
  assert.is(staying.error?.retryable, true);
  assert.match(
    staying.error?.message ?? '',
    /properties\/123456789: reading the report of 2024-05-08, page 2: status 500 INTERNAL: Internal error encountered/,
  );
  assert.is(reports(), 1 + 6, 'five repeats');
});

test('the budget of repeats is shared: a retried task asks a dead service once', async () => {
  const config = oneDay();
  const run = new PluginRun();
  const plan = await run.plan(config);
  server.fail({ on: 'RunReport', times: 1000, status: 503 });
  server.requests.length = 0;
  await errorOf(server, () => run.read(config, plan));
  await errorOf(server, () => run.read(config, plan));
  assert.is(reports(), 6 + 1);
});

test('a page of a proxy, a cut and a closed connection, a silent server', async () => {
  const page = await readWith({ page: '<html><body>Bad Gateway canary</body></html>', times: 1000 });
  assert.is(page.error?.code, 'GOOGLE_UNAVAILABLE');
  assert.match(page.error?.message ?? '', /status 502: without a message/);
  const login = await readWith({ page: '<html>Please sign in</html>', status: 200, times: 1000 });
  assert.is(login.error?.code, 'GOOGLE_BAD_ANSWER');
  for (const network of ['cut', 'reset'] as const) {
    server.reset();
    server.property.hits = Array.from({ length: 30 }, (_, i) => hit('202405081200', `c${i}`, i));
    const once = await readWith({ network, times: 2 });
    assert.is(once.rows?.length, 30, network);
    const always = await readWith({ network, times: 1000 });
    assert.is(always.error?.retryable, true);
    assert.ok(['GOOGLE_UNREACHABLE', 'GOOGLE_BAD_ANSWER'].includes(always.error?.code ?? ''), `${network}: ${always.error?.code}`);
  }
  server.reset();
  const silent = await readWith({ network: 'hang', after: 0, times: 1 }, oneDay({ timeout_secs: 1, retry: { limit: 0 } }));
  assert.is(silent.error?.code, 'GOOGLE_TIMEOUT');
  assert.is(silent.error?.retryable, true);
});

test('a token that ends or is refused in the middle is replaced once', async () => {
  const config = oneDay();
  const run = new PluginRun();
  const plan = await run.plan(config);
  server.fail({ on: 'RunReport', after: 1, change: () => server.expireTokens() });
  assert.is((await run.read(config, plan)).length, 30);
  assert.is(server.tokensGiven.length, 2);
  assert.equal(run.sleeps, [], 'a fresh token needs no wait');

  run.now += 3_600_000;
  await run.read(config, plan);
  assert.is(server.tokensGiven.length, 3, 'renewed before it ends');

  server.fail({
    on: 'RunReport',
    times: 1000,
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'Request had invalid authentication credentials: Bearer ya29.canary-token-9',
  });
  server.requests.length = 0;
  const error = await errorOf(server, () => run.read(config, plan));
  assert.is(error.code, 'GOOGLE_UNAUTHENTICATED');
  assert.is(error.retryable, false);
  assert.match(error.message, /invalid authentication credentials: \*\*\*/);
  assert.is(reports(), 2, 'one repeat with a fresh token');
});

test('a report that changes between pages is read again from its start, never mixed', async () => {
  const more = await readWith({ change: (answer) => (answer['rowCount'] = 31) });
  assert.is(more.error?.code, 'GA_REPORT_CHANGED');
  assert.is(more.error?.retryable, true);
  assert.match(more.error?.message ?? '', /2024-05-08 changed while it was read: 31 rows instead of 30 on page 2/);
  assert.match(more.error?.hint ?? '', /page_size/);
  const short = await readWith({ change: (answer) => (answer['rows'] = (answer['rows'] as unknown[]).slice(1)) });
  assert.match(short.error?.message ?? '', /9 rows instead of 10 on page 2 of 30 rows/);
  const empty = await readWith({ change: (answer) => void delete answer['rows'] });
  assert.match(empty.error?.message ?? '', /0 rows instead of 10/);
  const zone = await readWith({ change: (answer) => (answer['metadata'] = { timeZone: 'Europe/Paris' }) });
  assert.is(zone.error?.code, 'GA_PLAN_CHANGED');
  const columns = await readWith({ change: (answer) => (answer['dimensionHeaders'] = [{ name: 'country' }, { name: 'date' }]) });
  assert.is(columns.error?.code, 'GA_PLAN_CHANGED');
  const width = await readWith({ change: (answer) => (answer['rows'] = Array.from({ length: 10 }, () => ({ dimensionValues: [{ value: 'x' }] }))) });
  assert.is(width.error?.code, 'GA_ROW_WIDTH');
});

test('a property that is not there, an API that is off, a request that is refused', async () => {
  const denied = await errorOf(server, () => new PluginRun().plan(configOf(server, { property: '999' })));
  assert.is(denied.code, 'GOOGLE_ACCESS_DENIED');
  assert.match(denied.message, /properties\/999: reading the names .*status 403 PERMISSION_DENIED: User does not have sufficient permissions/);
  assert.match(denied.hint, /number of the property.*Viewer/);
  server.fail({ on: 'GetMetadata', status: 404, code: 'NOT_FOUND' });
  assert.is((await errorOf(server, () => new PluginRun().plan(oneDay()))).code, 'GOOGLE_NOT_FOUND');
  server.fail({ on: 'RunReport', status: 400, code: 'INVALID_ARGUMENT', message: 'Invalid expression.' });
  const refused = await errorOf(server, () => new PluginRun().plan(oneDay()));
  assert.is(refused.code, 'GOOGLE_REQUEST');
  assert.match(refused.message, /Invalid expression/);
  server.fail({ on: 'RunReport', change: (answer) => (answer['metadata'] = {}) });
  assert.is((await errorOf(server, () => new PluginRun().plan(oneDay()))).code, 'GA_TIME_ZONE');
});

test('ways to sign in: a key file, a refresh token, application default credentials', async () => {
  const { json_keyfile: _, ...bare } = oneDay();
  const path = join(folder, 'key.json');
  writeFileSync(path, server.key);
  assert.is((await new PluginRun().read({ ...bare, json_keyfile: path })).length, 30);
  const user = { client_id: 'client', client_secret: server.clientSecret, refresh_token: server.refreshToken, token_uri: server.tokenUri };
  assert.is((await new PluginRun().read({ ...bare, ...user })).length, 30);
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = path;
  assert.is((await new PluginRun().read({ ...bare })).length, 30);
  const adc = join(folder, 'application_default_credentials.json');
  writeFileSync(adc, JSON.stringify({ type: 'authorized_user', ...user }));
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  process.env['CLOUDSDK_CONFIG'] = folder;
  assert.is((await new PluginRun().read({ ...bare })).length, 30);
  assert.is(server.tokensGiven.length, 4);
});

test('the metadata server of a cloud machine is left to the library', async () => {
  const metadata = createServer((request, response) => {
    response.setHeader('metadata-flavor', 'Google');
    const token = 'ya29.from-the-machine';
    response.end(
      request.url?.includes('/token') === true ? JSON.stringify({ access_token: token, expires_in: 3599, token_type: 'Bearer' }) : 'project',
    );
  });
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
  process.env['METADATA_SERVER_DETECTION'] = 'assume-present';
  process.env['GCE_METADATA_HOST'] = `127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  try {
    const { json_keyfile: _, ...bare } = oneDay({ retry: { limit: 0 } });
    const error = await errorOf(server, () => new PluginRun().plan(bare));
    assert.is(error.code, 'GOOGLE_UNAUTHENTICATED', 'its token came to our server, which does not know it');
    assert.is(server.requests[0]?.token, 'ya29.from-the-machine');
  } finally {
    delete process.env['GCE_METADATA_HOST'];
    delete process.env['METADATA_SERVER_DETECTION'];
    metadata.closeAllConnections();
    await new Promise((resolve) => metadata.close(resolve));
  }
});

test('credentials that cannot work are told without being shown', async () => {
  const { json_keyfile: _, ...bare } = oneDay();
  const key = JSON.parse(server.key) as Record<string, string>;
  const content = (changes: object): Partial<GoogleAnalyticsConfig> => ({ json_keyfile: { content: JSON.stringify({ ...key, ...changes }) } });
  const user = { client_id: 'client', client_secret: server.clientSecret, refresh_token: 'canary-old', token_uri: server.tokenUri };
  const cases: readonly (readonly [Partial<GoogleAnalyticsConfig>, string, RegExp])[] = [
    [{ json_keyfile: { content: '{"private_key": "canary' } }, 'GOOGLE_KEY_FILE', /in\.json_keyfile\.content: expected the JSON of a key/],
    [content({ type: 'authorized_user' }), 'GOOGLE_KEY_FILE', /expected "type": "service_account", found "authorized_user"/],
    [content({ private_key: 'canary' }), 'GOOGLE_KEY_FILE', /expected a private RSA key in PEM form/],
    [content({ client_email: '' }), 'GOOGLE_KEY_FILE', /expected the text "client_email"/],
    [content({ token_uri: 'http://169.254.169.254/token' }), 'SERVICE_URL', /expected an https URL/],
    [content({ token_uri: 'https://169.254.169.254/token' }), 'SERVICE_URL', /refused address 169\.254\.169\.254/],
    [content({ token_uri: 'https://[::ffff:169.254.169.254]/token' }), 'SERVICE_URL', /refused address/],
    [content({ token_uri: 'http://example.com/token' }), 'SERVICE_URL', /found http:\/\/example\.com/],
    [content({ token_uri: 'https://user:canary@example.com/token' }), 'SERVICE_URL', /a user before example\.com/],
    [{ json_keyfile: 'no-such-key.json' }, 'FILE_SYSTEM', /in\.json_keyfile: no-such-key\.json: reading the key file/],
    [{ ...user, json_keyfile: 'x.json' }, 'GOOGLE_AUTH', /found both/],
    [{ auth_method: 'refresh_token', client_id: 'x' }, 'GOOGLE_AUTH', /in\.client_secret: expected a value/],
    [user, 'GOOGLE_TOKEN_REFUSED', /asking for a token for this refresh token ended with status 400 \(invalid_grant\)/],
  ];
  for (const [extra, code, message] of cases) {
    const error = await errorOf(server, () => new PluginRun().plan({ ...bare, ...extra }));
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(error.hint);
  }
  assert.is(server.requests.length, 0, 'nothing was asked without a token');
  const endpoint = await errorOf(server, () => new PluginRun().plan(oneDay({ endpoint: 'http://example.com/' })));
  assert.match(endpoint.message, /in\.endpoint: expected an https URL/);
});

test('a token endpoint that fails is asked again, within the same budget', async () => {
  server.fail({ on: 'token', status: 503, times: 2 });
  const run = new PluginRun();
  await run.plan(oneDay());
  assert.is(run.sleeps.length, 2);
  for (const fault of [{ status: 500 }, { page: '<html>canary</html>', status: 200 }, { network: 'reset' } as const, { network: 'cut' } as const]) {
    server.reset();
    server.fail({ on: 'token', times: 1000, ...fault });
    const error = await errorOf(server, () => new PluginRun().plan(oneDay()));
    assert.is(error.retryable, true, JSON.stringify(fault));
    assert.ok(['GOOGLE_UNAVAILABLE', 'GOOGLE_BAD_ANSWER', 'GOOGLE_UNREACHABLE'].includes(error.code), error.code);
  }
});

test('stops at once when it is aborted, also while it waits for an answer', async () => {
  const config = oneDay();
  const run = new PluginRun();
  const plan = await run.plan(config);
  server.fail({ on: 'RunReport', network: 'hang' });
  const reading = run.read(config, plan);
  const asked = server.requests.length;
  while (server.requests.length === asked) await new Promise((resolve) => setImmediate(resolve));
  const reason = new Error('stop');
  run.abort.abort(reason);
  await reading.then(
    () => assert.unreachable('expected an abort'),
    (error) => assert.is(error, reason),
  );
});

test.run();
