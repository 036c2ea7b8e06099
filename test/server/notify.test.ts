import type { ServerResponse } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Secret, SluiceError, type JobRecord } from '../../src/core/spi/index.js';
import type { Notifier } from '../../src/server/notify/notifier.js';
import { sendJson } from '../../src/server/notify/send-json.js';
import type { EndedTry } from '../../src/server/runner/job-runner.js';
import { startHttp, type HttpServer } from '../servers/http.js';
import { MessageDesk, type NotifierSetup } from './message-desk.js';
import { newJob } from './runner/job-desk.js';

const test = suite<{ receiver: HttpServer; desk: MessageDesk }>('messages');
const PATH = '/services/T0/secret-part';

test.before.each(async (context) => {
  context.receiver = await startHttp();
  context.desk = await MessageDesk.open();
});
test.after.each(async ({ receiver, desk }) => {
  await receiver.stop();
  await desk.close();
});

function job(name: string, payload: object, more: Partial<JobRecord> = {}): JobRecord {
  const base = newJob(payload, { name });
  const ended = { status: 'success', attempts: 1, holder: null, fence: 1, killRequested: false, createdAt: 0, startedAt: 0, finishedAt: 1 } as const;
  return { ...base, ...ended, id: '20260131T000000000-0000aaaaaa', result: null, error: null, ...more };
}

function end(of: JobRecord, status: EndedTry['status'], code?: string, again = false): EndedTry {
  return {
    job: of,
    status,
    again,
    result: { runIds: [], rowsWritten: 5 },
    error: code === undefined ? null : { code, message: 'a <b> & c', hint: 'mend it' },
  };
}

const scheduled = (name: string, more: Partial<JobRecord> = {}): JobRecord => job(name, { kind: 'sql', sql: 'select 1', schedule: name }, more);

function notifierOf({ receiver, desk }: { receiver: HttpServer; desk: MessageDesk }, setup: NotifierSetup): Notifier {
  const url = new Secret({ env: 'HOOK' }, () => Promise.resolve(receiver.origin + PATH));
  const all = { type: 'webhook', url, on: ['failure', 'recovery', 'rejects'], everything: true } as const;
  const targets = Object.entries(setup.targets).map(([name, target]) => [name, { ...all, ...target }]);
  return desk.notifier({ ...setup, targets: Object.fromEntries(targets) as NotifierSetup['targets'] });
}

const events = (receiver: HttpServer): unknown[] => receiver.seen.map(({ body }) => (JSON.parse(body) as { event: string }).event);

test('a failure, as a webhook and for Slack', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const notifier = notifierOf(context, { targets: { hook: {}, slack: { type: 'slack' } } });
  await context.desk.tell(notifier, end(scheduled('nightly', { nominalTime: Date.UTC(2026, 0, 31) }), 'error', 'TABLE_MISSING'));
  const bodies = receiver.seen.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  const hook = bodies.find((body) => body['event'] === 'failure') as { job: Record<string, unknown>; error: unknown; project: string };
  assert.equal([hook.project, hook.job['name'], hook.job['nominal_time']], ['shop', 'nightly', '2026-01-31T00:00:00.000Z']);
  assert.equal(hook.error, { code: 'TABLE_MISSING', message: 'a <b> & c', hint: 'mend it' });
  const slack = bodies.find((body) => 'text' in body) as { text: string; blocks: { text: { text: string } }[] };
  assert.match(slack.text, '*shop: nightly* :red_circle: failed for 2026-01-31T00:00:00.000Z');
  assert.match(slack.text, '`TABLE_MISSING` a &lt;b&gt; &amp; c');
  assert.equal(slack.blocks[0]?.text.text, slack.text);
  assert.equal(receiver.seen[0]?.headers['content-type'], 'application/json');
});

test('recovery only after a failure; nothing between tries, for killed jobs and ad hoc statements', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(204).end());
  const after = (status: JobRecord['status']): NotifierSetup => ({
    targets: { hook: {} },
    earlier: [scheduled('n', { status: 'killed' }), scheduled('n', { status })],
  });
  for (const [setup, ended] of [
    [after('error'), end(scheduled('n'), 'success')],
    [after('success'), end(scheduled('n'), 'success')],
    [after('error'), end(scheduled('n'), 'error', 'X', true)],
    [after('error'), end(scheduled('n'), 'killed', 'JOB_KILLED')],
    [after('error'), end(job('adhoc', { kind: 'sql', sql: 'selec' }), 'error', 'SQL_INVALID')],
  ] as const) {
    const notifier = notifierOf(context, setup);
    await context.desk.tell(notifier, ended);
  }
  assert.equal(events(receiver), ['recovery']);
});

test('rejects over the limit are told as such, or as a failure to those who ask for no more', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const notifier = notifierOf(context, { targets: { a: { on: ['failure'] }, b: {}, c: { on: ['recovery'] } } });
  await context.desk.tell(notifier, end(scheduled('n'), 'error', 'TOO_MANY_REJECTS'));
  assert.equal(events(receiver).sort(), ['failure', 'rejects']);
});

test('a schedule tells whom it names; others tell those who want everything', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const setup: NotifierSetup = { targets: { ops: { type: 'slack' }, team: { everything: false } }, schedules: [{ name: 'mine', notify: ['team'] }] };
  const notifier = notifierOf(context, setup);
  await context.desk.tell(notifier, end(scheduled('mine'), 'error', 'X'));
  await context.desk.tell(notifier, end(scheduled('other'), 'error', 'X'));
  const told = receiver.seen.map(({ body }) => (body.includes('"event"') ? `team ${body.includes('mine')}` : `ops ${body.includes('other')}`));
  assert.equal(told.sort(), ['ops true', 'team true']);
});

test('a busy receiver is asked again, ever later, and at last given up without its URL in the log', async (context) => {
  const { receiver, desk } = context;
  receiver.handle((_request, response) => response.writeHead(receiver.seen.length < 3 ? 503 : 200).end());
  const notifier = notifierOf(context, { targets: { hook: {} } });
  await desk.tell(notifier, end(scheduled('n'), 'error', 'X'));
  assert.equal([receiver.seen.length, desk.waits], [3, [1000, 2000]]);
  receiver.handle((_request, response) => response.writeHead(500).end());
  await desk.tell(notifier, end(scheduled('n'), 'error', 'X'));
  assert.equal(receiver.seen.length, 6);
  assert.equal(desk.logged.length, 1);
  assert.match(desk.logged[0] ?? '', 'error a message could not be sent: serve.notify.hook: 127.0.0.1 answered 500');
  assert.not.match(desk.logged.join(), 'secret-part');
});

test('a gone receiver is given up at once; redirects are not followed', async (context) => {
  const { receiver, desk } = context;
  receiver.handle((_request, response) => response.writeHead(302, { location: `${receiver.origin}/elsewhere` }).end());
  await desk.tell(notifierOf(context, { targets: { hook: {} } }), end(scheduled('n'), 'error', 'X'));
  assert.equal([receiver.seen.length, desk.waits.length], [1, 0]);
  assert.match(desk.logged[0] ?? '', 'NOTIFY_STATUS');
});

test('what a server recorded but did not send is sent by the next one, once', async (context) => {
  const { receiver, desk } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const setup = { targets: { hook: {} } };
  await desk.record(await notifierOf(context, setup).messagesOfEnd(end(scheduled('n'), 'error', 'X')));
  assert.is(await desk.unsent, 1);
  const others = [notifierOf(context, setup), notifierOf(context, setup)];
  for (const notifier of others) notifier.deliverWhenDue();
  for (const notifier of others) await notifier.close();
  assert.equal([events(receiver), await desk.unsent], [['failure'], 0]);
});

test('a server that dies while it sends leaves the message to others, after a while', async (context) => {
  const { receiver, desk } = context;
  const died = notifierOf(context, { targets: { hook: {} } });
  await desk.record(await died.messagesOfEnd(end(scheduled('n'), 'error', 'X')));
  // Nobody answers any more.
  const arrived = new Promise<ServerResponse>((resolve) => receiver.handle((_request, response) => resolve(response)));
  died.deliver();
  const unanswered = await arrived;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const other = notifierOf(context, { targets: { hook: {} } });
  other.deliver();
  await other.close();
  assert.equal([receiver.seen.length, await desk.unsent], [0, 1], 'not yet');
  desk.pass(120_000);
  other.deliverWhenDue();
  await other.close();
  assert.equal([events(receiver), await desk.unsent], [['failure'], 0]);
  unanswered.destroy();
  await died.close();
});

test('a message to somebody who is no longer in the config is dropped, and logged', async (context) => {
  const { desk } = context;
  await desk.record([{ target: 'gone', content: { event: 'failure', end: { job: { id: '1' } } } }]);
  await desk.sendAll(notifierOf(context, { targets: { hook: {} } }));
  assert.equal(desk.logged, ['warn a message was dropped: serve.notify has no gone any more {"event":"failure","job":"1"}']);
});

test('addresses that the network rules refuse', async () => {
  for (const url of [
    'http://example.com/x',
    'http://169.254.169.254/latest',
    'https://[fd00:ec2::254]/',
    'ftp://127.0.0.1/',
    'https://user:pw@example.com/',
  ]) {
    const error = await sendJson(url, 'serve.notify.ops', {}).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    assert.ok(error instanceof SluiceError, url);
    assert.equal(error.code, 'SERVICE_URL');
    assert.match(error.message, 'serve.notify.ops');
  }
});

test.run();
