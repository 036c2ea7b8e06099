import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MailTarget } from '../../src/core/config/index.js';
import { Secret, SluiceError, type SlaMiss } from '../../src/core/spi/index.js';
import { mailOf } from '../../src/server/notify/mail.js';
import type { Notifier } from '../../src/server/notify/notifier.js';
import { sendMail } from '../../src/server/notify/send-mail.js';
import type { EndedTry } from '../../src/server/runner/job-runner.js';
import { startSmtp, type SmtpOptions, type TestSmtp } from '../servers/smtp.js';
import { testCertificates } from '../servers/tls.js';
import { MessageDesk } from './message-desk.js';
import { newJob } from './runner/job-desk.js';

const test = suite<{ servers: TestSmtp[]; desk: MessageDesk }>('e-mail');
const PASSWORD = 'canary-7d1f';

test.before.each(async (context) => {
  context.servers = [];
  context.desk = await MessageDesk.open();
});
test.after.each(async ({ servers, desk }) => {
  for (const server of servers) await server.stop();
  await desk.close();
});

async function start(context: { servers: TestSmtp[] }, options?: SmtpOptions): Promise<TestSmtp> {
  const server = await startSmtp(options);
  context.servers.push(server);
  return server;
}

function failed(name = 'nightly'): EndedTry {
  const job = { ...newJob({ kind: 'sql', sql: 'select 1', schedule: name }, { name, nominalTime: Date.UTC(2026, 0, 31) }), id: '20260131T0-aa' };
  const error = { code: 'TABLE_MISSING', message: 'no table shop.orders', hint: 'load it first' };
  return { job: { ...job, attempts: 2 } as unknown as EndedTry['job'], status: 'error', error, result: null, again: false };
}

type Server = Partial<Extract<MailTarget['server'], { host: string }>> & { readonly password?: string; readonly ca?: string };

function targetOf(server: Server | string, more: Partial<MailTarget> = {}): MailTarget {
  const given = typeof server === 'string' ? {} : server;
  return {
    type: 'email',
    server:
      typeof server === 'string'
        ? { url: new Secret({ env: 'SMTP_URL' }, () => Promise.resolve(server)) }
        : { host: '127.0.0.1', port: undefined, tls: undefined, user: undefined, ...given },
    password: given.password === undefined ? undefined : new Secret({ env: 'SMTP_PASSWORD' }, () => Promise.resolve(given.password ?? '')),
    tlsCa: given.ca,
    from: 'Sluice <sluice@example.com>',
    to: ['ops@example.com', 'Team <team@example.com>'],
    subjectPrefix: undefined,
    on: ['failure', 'recovery', 'rejects', 'sla_missed', 'sla_met'],
    everything: true,
    ...more,
  };
}

function notifierOf({ desk }: { desk: MessageDesk }, ops: MailTarget): Notifier {
  return desk.notifier({ targets: { ops } });
}

async function sendTo(target: MailTarget): Promise<SluiceError | undefined> {
  const mail = mailOf({ event: 'failure', end: failed() }, 'shop', undefined);
  try {
    await sendMail(target, 'serve.notify.ops', mail, '/');
    return undefined;
  } catch (error) {
    assert.instance(error, SluiceError);
    assert.not.match(`${(error as Error).stack ?? ''} ${(error as SluiceError).hint ?? ''}`, PASSWORD);
    return error as SluiceError;
  }
}

test('a failure arrives, with sender, receivers, subject and what to do', async (context) => {
  const server = await start(context);
  const notifier = notifierOf(context, targetOf({ port: server.port }));
  await context.desk.tell(notifier, failed());
  assert.equal(context.desk.logged, []);
  const [mail] = server.mails;
  assert.equal([mail?.from, mail?.to], ['sluice@example.com', ['ops@example.com', 'team@example.com']]);
  const [head = '', ...body] = (mail?.text ?? '').split('\r\n\r\n');
  assert.match(head, 'Subject: [shop] nightly failed for 2026-01-31T00:00:00.000Z');
  assert.match(head, 'Auto-Submitted: auto-generated');
  assert.match(head, /Message-ID: <[0-9a-f]{32}@example\.com>/);
  assert.is(body[1], 'TABLE_MISSING: no table shop.orders\r\nhint: load it first');
  assert.match(body[2] ?? '', 'sluice job log 20260131T0-aa');
});

test('sla messages say what was due', async (context) => {
  const server = await start(context);
  const notifier = notifierOf(context, targetOf({ port: server.port }, { subjectPrefix: 'PROD' }));
  const time = Date.UTC(2026, 0, 31);
  const miss: SlaMiss = {
    schedule: 'daily',
    kind: 'finish_within',
    nominalTime: time,
    deadline: time + 7_200_000,
    missedAt: time + 7_201_000,
    metAt: null,
  };
  await context.desk.record(notifier.messagesOfSla({ event: 'sla_missed', sla: { miss, promise: 'finish_within: 2h', tags: [] } }));
  await context.desk.sendAll(notifier);
  assert.match(server.mails[0]?.text ?? '', 'Subject: PROD daily is late for 2026-01-31T00:00:00.000Z');
  const plain = (server.mails[0]?.text ?? '').replaceAll('=\r\n', '').replaceAll('\r\n', ' ');
  assert.match(plain, 'a success was due by 2026-01-31T02:00:00.000Z; it has not succeeded');
});

test('a name with line breaks begins no header of its own', async (context) => {
  const server = await start(context);
  const notifier = notifierOf(context, targetOf({ port: server.port }));
  await context.desk.tell(notifier, failed('x\r\nBcc: stranger@example.com\r\n\r\nbody'));
  const [head = ''] = (server.mails[0]?.text ?? '').split('\r\n\r\n');
  assert.equal(server.mails[0]?.to.length, 2);
  assert.not.match(head, /^Bcc:/im);
  assert.match(head, 'Subject: [shop] x  Bcc: stranger@example.com');
});

test('STARTTLS and TLS from the start, verified, with a login', async (context) => {
  const { caFile, strangerCaFile } = await testCertificates();
  const login = { user: 'sluice', password: PASSWORD };
  for (const tls of ['starttls', 'implicit'] as const) {
    const server = await start(context, { tls, login });
    const address = { port: server.port, tls, ...login };
    for (const host of ['127.0.0.1', 'localhost']) assert.is(await sendTo(targetOf({ host, ...address, ca: caFile })), undefined, `${tls} ${host}`);
    assert.equal(
      server.mails.map(({ secure, user }) => [secure, user]),
      [
        [true, 'sluice'],
        [true, 'sluice'],
      ],
    );
    for (const ca of [undefined, strangerCaFile]) {
      const error = await sendTo(targetOf(ca === undefined ? address : { ...address, ca }));
      assert.equal([error?.code, error?.retryable], ['NOTIFY_CERTIFICATE', false], tls);
    }
    const scheme = tls === 'implicit' ? 'smtps' : 'smtp';
    if (tls === 'implicit')
      assert.is(await sendTo(targetOf(`${scheme}://sluice:${PASSWORD}@localhost:${server.port}`, { tlsCa: caFile })), undefined);
    assert.is(server.mails.length, tls === 'implicit' ? 3 : 2);
  }
});

test('no login and no message without the TLS that was asked for', async (context) => {
  const server = await start(context, { tls: 'none', login: { user: 'sluice', password: PASSWORD } });
  const error = await sendTo(targetOf({ port: server.port, tls: 'starttls', user: 'sluice', password: PASSWORD }));
  assert.is(error?.code, 'NOTIFY_REFUSED');
  assert.match(error?.hint ?? '', 'STARTTLS');
  assert.equal(server.mails, []);
});

test('a login that is refused is told without its words, and not tried again', async (context) => {
  const server = await start(context, { login: { user: 'sluice', password: 'other' } });
  const notifier = notifierOf(context, targetOf({ port: server.port, user: 'sluice', password: PASSWORD }));
  await context.desk.tell(notifier, failed());
  assert.equal([context.desk.waits.length, context.desk.logged.length], [0, 1]);
  assert.match(context.desk.logged[0] ?? '', 'refused the login with 535');
  assert.not.match(context.desk.logged.join(), PASSWORD);
});

test('451 is asked again until it is taken; 550 is not', async (context) => {
  const busy = await start(context, { onData: (count) => (count < 2 ? 451 : undefined) });
  const first = notifierOf(context, targetOf({ port: busy.port }));
  await context.desk.tell(first, failed());
  assert.equal([busy.mails.length, context.desk.waits], [1, [5000, 10_000]]);
  assert.equal(
    context.desk.logged.map((line) => line.split(':')[0]),
    ['warn a message is sent again later'],
  );
  context.desk.logged.length = 0;
  context.desk.waits.length = 0;
  const strict = await start(context, { onData: () => 550 });
  const second = notifierOf(context, targetOf({ port: strict.port }));
  await context.desk.tell(second, failed());
  assert.equal([strict.mails.length, context.desk.waits.length, context.desk.logged.length], [0, 0, 1]);
  assert.match(context.desk.logged[0] ?? '', 'NOTIFY_REFUSED');
});

test('a connection that is cut is made again, with the same message id', async (context) => {
  const server = await start(context, { onData: (count) => (count === 0 ? 'cut' : undefined) });
  const notifier = notifierOf(context, targetOf({ port: server.port }));
  await context.desk.tell(notifier, failed());
  assert.equal([server.mails.length, server.connections(), context.desk.waits], [1, 2, [5000]]);
});

test('a server that is not there is given up after eight tries', async (context) => {
  const server = await startSmtp();
  await server.stop();
  const notifier = notifierOf(context, targetOf({ port: server.port }));
  await context.desk.tell(notifier, failed());
  assert.is(context.desk.waits.length, 7);
  assert.match(context.desk.logged.at(-1) ?? '', 'error a message could not be sent: serve.notify.ops: 127.0.0.1');
  assert.match(context.desk.logged.at(-1) ?? '', 'NOTIFY_UNREACHABLE');
});

test('one receiver that is refused does not keep the mail from the others, and is told', async (context) => {
  const server = await start(context, { onReceiver: (address) => (address.startsWith('team') ? 550 : undefined) });
  const error = await sendTo(targetOf({ port: server.port }));
  assert.equal(server.mails[0]?.to, ['ops@example.com']);
  assert.equal([error?.code, error?.retryable], ['NOTIFY_REFUSED', false]);
  assert.match(error?.message ?? '', 'refused 1 of 2 receivers');
});

test('addresses and URLs that are refused', async () => {
  for (const host of ['169.254.169.254', 'fd00:ec2::254']) {
    const error = await sendTo(targetOf({ host, port: 25 }));
    assert.equal([error?.code, error?.retryable], ['NOTIFY_UNREACHABLE', false], host);
    assert.match(error?.hint ?? '', 'link-local and metadata');
  }
  for (const url of ['https://localhost/', 'smtp://', `smtp://sluice:${PASSWORD}@localhost/path`, `nonsense ${PASSWORD}`]) {
    const error = await sendTo(targetOf(url));
    assert.is(error?.code, 'NOTIFY_MAIL_URL', url);
  }
});

test.run();
