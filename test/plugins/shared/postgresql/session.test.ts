import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveConnection } from '../../../../src/plugins/shared/sql/connection.js';
import { openPostgres, type PostgresSession } from '../../../../src/plugins/shared/postgresql/session.js';
import { startPostgres, type PostgresServer } from '../../../servers/postgres.js';

let server: PostgresServer;
test.before(async () => void (server = await startPostgres()));
test.after(() => server.stop());

function open(signal = new AbortController().signal): Promise<PostgresSession> {
  const { host, port, user, password, database } = server;
  return openPostgres(resolveConnection({ host, port, user, password, database }, { port: 5432 }, { at: (path) => ({ path }) }), {
    root: '/',
    signal,
  });
}

async function gather(session: PostgresSession, sql: string, parsed: boolean): Promise<{ text: string; rows: number | undefined; seen: number }> {
  const copy = session.copyOut(`COPY (${sql}) TO STDOUT (FORMAT csv)`, 'reading', { parsed });
  const pieces: Buffer[] = [];
  let seen = 0;
  for await (const { bytes, rows } of copy.chunks()) {
    pieces.push(Buffer.from(bytes));
    seen += rows;
  }
  return { text: Buffer.concat(pieces).toString(), rows: copy.rows, seen };
}

test('both ways of taking a COPY give the same bytes, and the connection serves on', async () => {
  const session = await open();
  try {
    for (const sql of [
      `select i, repeat('x', i % 500), case when i % 3 = 0 then null else E'a\\n"b' end from generate_series(1, 20000) i`,
      'select 1 where false',
      `select repeat('y', 3000000)`,
    ]) {
      const fast = await gather(session, sql, false);
      const slow = await gather(session, sql, true);
      assert.ok(fast.text === slow.text, 'same bytes');
      assert.is(fast.rows, slow.rows);
      assert.is(fast.seen, fast.rows);
      assert.is(slow.seen, slow.rows);
    }
    assert.equal(await session.texts('select 9007199254740993, null, true', 'asking'), [['9007199254740993', null, 't']]);
  } finally {
    await session.end();
  }
});

test('an error in mid stream comes as one, and nothing is taken for the end', async () => {
  const session = await open();
  try {
    await gather(session, 'select 1 / (5000 - i) from generate_series(1, 10000) i', false).then(
      () => assert.unreachable('expected an error'),
      (error: { code: string; retryable: boolean; message: string }) => {
        assert.is(error.code, 'SQL_VALUE');
        assert.not.ok(error.retryable);
        assert.match(error.message, /reading: division by zero/);
      },
    );
  } finally {
    await session.end();
  }
});

test('an abort ends a COPY at once with its own reason', async () => {
  const abort = new AbortController();
  const session = await open(abort.signal);
  const reason = new Error('stopped by the test');
  let chunks = 0;
  const copy = session.copyOut(`COPY (select repeat('x', 1000) from generate_series(1, 10000000)) TO STDOUT`, 'reading');
  try {
    for await (const _ of copy.chunks()) if (++chunks === 3) abort.abort(reason);
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is(error, reason);
  }
  assert.is(copy.rows, undefined);
  await session.end();
  assert.ok(session.lost());
});

test('a server that crashes under a COPY is a retryable error', async () => {
  const session = await open();
  const copy = session.copyOut(`COPY (select repeat('x', 1000) from generate_series(1, 1000000)) TO STDOUT`, 'reading');
  let crashed = false;
  try {
    for await (const _ of copy.chunks()) {
      if (crashed) continue;
      crashed = true;
      await server.restart('immediate');
    }
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is((error as { code: string }).code, 'SQL_UNREACHABLE');
    assert.ok((error as { retryable: boolean }).retryable);
  }
  await session.end();
});

test.run();
