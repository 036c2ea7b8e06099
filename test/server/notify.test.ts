import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NotifyTarget, ProjectConfig, ScheduleDefinition } from '../../src/core/config/index.js';
import { Secret, SluiceError, type Clock, type JobRecord } from '../../src/core/spi/index.js';
import { Notifier } from '../../src/server/notify/notifier.js';
import { sendJson } from '../../src/server/notify/send-json.js';
import type { EndedTry } from '../../src/server/runner/job-runner.js';
import { startHttp, type HttpServer } from '../servers/http.js';
import { newJob } from './runner/job-desk.js';

const test = suite<{ receiver: HttpServer; logged: string[] }>('messages');
const PATH = '/services/T0/secret-part';

test.before.each(async (context) => {
  context.receiver = await startHttp();
  context.logged = [];
});
test.after.each(({ receiver }) => receiver.stop());

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

interface Setup {
  readonly targets: Readonly<Record<string, Partial<NotifyTarget>>>;
  readonly schedules?: readonly Pick<ScheduleDefinition, 'name' | 'notify'>[];
  readonly earlier?: readonly JobRecord[];
}

/** Waits are skipped, and counted. */
function notifierOf({ receiver, logged }: { receiver: HttpServer; logged: string[] }, { targets, schedules = [], earlier = [] }: Setup) {
  const waits: number[] = [];
  const clock: Pick<Clock, 'sleep'> = { sleep: (ms) => (waits.push(ms), Promise.resolve()) };
  const url = new Secret({ env: 'HOOK' }, () => Promise.resolve(receiver.origin + PATH));
  const notify = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [
      name,
      { type: 'webhook', url, on: ['failure', 'recovery', 'rejects'], everything: true, ...target },
    ]),
  );
  const notifier = new Notifier({
    store: { listJobs: () => Promise.resolve(earlier) },
    clock,
    log: { log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`) },
    project: () => ({ name: 'shop', serve: { notify } }) as unknown as ProjectConfig,
    schedules: () => schedules as readonly ScheduleDefinition[],
  });
  return { notifier, waits };
}

const events = (receiver: HttpServer): unknown[] => receiver.seen.map(({ body }) => (JSON.parse(body) as { event: string }).event);

test('a failure, as a webhook and for Slack', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const { notifier } = notifierOf(context, { targets: { hook: {}, slack: { type: 'slack' } } });
  await notifier.onEnd(end(scheduled('nightly', { nominalTime: Date.UTC(2026, 0, 31) }), 'error', 'TABLE_MISSING'));
  await notifier.close();
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
  const after = (status: JobRecord['status']): Setup => ({
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
    const { notifier } = notifierOf(context, setup);
    await notifier.onEnd(ended);
    await notifier.close();
  }
  assert.equal(events(receiver), ['recovery']);
});

test('rejects over the limit are told as such, or as a failure to those who ask for no more', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const { notifier } = notifierOf(context, { targets: { a: { on: ['failure'] }, b: {}, c: { on: ['recovery'] } } });
  await notifier.onEnd(end(scheduled('n'), 'error', 'TOO_MANY_REJECTS'));
  await notifier.close();
  assert.equal(events(receiver).sort(), ['failure', 'rejects']);
});

test('a schedule tells whom it names; others tell those who want everything', async (context) => {
  const { receiver } = context;
  receiver.handle((_request, response) => response.writeHead(200).end());
  const setup: Setup = { targets: { ops: { type: 'slack' }, team: { everything: false } }, schedules: [{ name: 'mine', notify: ['team'] }] };
  const { notifier } = notifierOf(context, setup);
  await notifier.onEnd(end(scheduled('mine'), 'error', 'X'));
  await notifier.onEnd(end(scheduled('other'), 'error', 'X'));
  await notifier.close();
  const told = receiver.seen.map(({ body }) => (body.includes('"event"') ? `team ${body.includes('mine')}` : `ops ${body.includes('other')}`));
  assert.equal(told.sort(), ['ops true', 'team true']);
});

test('a busy receiver is asked again, ever later, and at last given up without its URL in the log', async (context) => {
  const { receiver, logged } = context;
  receiver.handle((_request, response) => response.writeHead(receiver.seen.length < 3 ? 503 : 200).end());
  const first = notifierOf(context, { targets: { hook: {} } });
  await first.notifier.onEnd(end(scheduled('n'), 'error', 'X'));
  await first.notifier.close();
  assert.equal([receiver.seen.length, first.waits], [3, [1000, 2000]]);
  receiver.handle((_request, response) => response.writeHead(500).end());
  const second = notifierOf(context, { targets: { hook: {} } });
  await second.notifier.onEnd(end(scheduled('n'), 'error', 'X'));
  await second.notifier.close();
  assert.equal(receiver.seen.length, 6);
  assert.equal(logged.length, 1);
  assert.match(logged[0] ?? '', 'error a message could not be sent: serve.notify.hook: 127.0.0.1 answered 500');
  assert.not.match(logged.join(), 'secret-part');
});

test('a gone receiver is given up at once; redirects are not followed', async (context) => {
  const { receiver, logged } = context;
  receiver.handle((_request, response) => response.writeHead(302, { location: `${receiver.origin}/elsewhere` }).end());
  const { notifier, waits } = notifierOf(context, { targets: { hook: {} } });
  await notifier.onEnd(end(scheduled('n'), 'error', 'X'));
  await notifier.close();
  assert.equal([receiver.seen.length, waits.length], [1, 0]);
  assert.match(logged[0] ?? '', 'NOTIFY_STATUS');
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
