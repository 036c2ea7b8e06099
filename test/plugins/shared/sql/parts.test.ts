import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, type DataError, type JsonValue, type RemoteError } from '../../../../src/core/spi/index.js';
import { readCursorState } from '../../../../src/plugins/shared/sql/cursor-state.js';
import { networkErrorKind, placeSqlError, sqlError } from '../../../../src/plugins/shared/sql/errors.js';
import { suggestCursor } from '../../../../src/plugins/shared/sql/guess.js';
import { fillPlaceholders } from '../../../../src/plugins/shared/sql/query-placeholders.js';
import { createRateLimit } from '../../../../src/plugins/shared/sql/rate-limit.js';
import { classifyPostgresqlError } from '../../../../src/plugins/shared/postgresql/errors.js';
import type { CursorColumn } from '../../../../src/plugins/shared/sql/dialect.js';

const place = { at: (path: string) => ({ path }) };

test('errors are known by SQLSTATE and error code, never by their text', () => {
  const kinds = ['08006', '28P01', '3D000', '42501', '42P01', '40001', '53300', '53100', '57014', '57P01', '22003', '23505', 'XX000'].map((code) =>
    classifyPostgresqlError({ code }),
  );
  assert.equal(kinds, [
    'unreachable',
    'login',
    'database',
    'denied',
    'statement',
    'busy',
    'busy',
    'full',
    'timeout',
    'unreachable',
    'value',
    'value',
    'failed',
  ]);
  assert.is(classifyPostgresqlError({ code: '23505', schema: 'pg_catalog' }), 'busy', 'another session made the same table');
  assert.is(classifyPostgresqlError({ code: '23505', schema: 'public' }), 'value');
  assert.is(classifyPostgresqlError({ code: 'EPIPE' }), 'unreachable', 'five letters, but not a SQLSTATE');
  for (const code of ['ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']) assert.is(networkErrorKind(code), 'unreachable', code);
  for (const code of ['ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED'])
    assert.is(networkErrorKind(code), 'tls', code);
  for (const code of [undefined, 1045, 'ERR_INVALID_ARG_TYPE', 'x']) assert.is(networkErrorKind(code), undefined);
});

test('an error tells product, place and what was being done', () => {
  const context = { product: 'PostgreSQL', place: 'h:1/d', doing: 'reading t' };
  const busy = sqlError(Object.assign(new Error('deadlock'), { code: '40P01' }), classifyPostgresqlError, context) as RemoteError;
  assert.is(busy.message, 'PostgreSQL h:1/d: reading t: deadlock');
  assert.ok(busy.retryable);
  assert.is(busy.exitCode, 4);
  const lost = sqlError(new Error('Connection terminated'), classifyPostgresqlError, { ...context, lost: true }) as RemoteError;
  assert.is(lost.code, 'SQL_UNREACHABLE');
  const foreign = new TypeError('x');
  assert.is(sqlError(foreign, classifyPostgresqlError, context), foreign);
  const statement = sqlError(Object.assign(new Error('no column'), { code: '42703' }), classifyPostgresqlError, context);
  assert.instance(statement, ConfigError);
  assert.is((placeSqlError(statement, place, 'where') as ConfigError).where.path, 'where');
});

test('placeholders are filled outside strings, names, comments and casts', () => {
  const { sql, used } = fillPlaceholders(`select ':a', ":a", a::a, $x$ :a $x$ /* :a */ from t where a > :a and b > :b and c = :c -- :a`, (name) =>
    name === 'c' ? undefined : `<${name}>`,
  );
  assert.is(sql, `select ':a', ":a", a::a, $x$ :a $x$ /* :a */ from t where a > <a> and b > <b> and c = :c -- :a`);
  assert.equal([...used], ['a', 'b']);
});

test('the rate limit waits for what was taken too early', async () => {
  let now = 0;
  const clock = { now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  const limit = createRateLimit(100, clock);
  const { signal } = new AbortController();
  await limit.take(50, signal);
  assert.is(now, 500);
  now = 5000;
  await limit.take(100, signal);
  assert.is(now, 5000, 'time that passed counts');
});

test('a sensible cursor is proposed with its reason', () => {
  const column = (name: string, kind: CursorColumn['kind'], nullable = false): CursorColumn => ({ name, kind, nullable, sqlType: kind });
  const suggest = (columns: CursorColumn[], primaryKey: string[]): unknown => suggestCursor({ name: 't', columns, primaryKey, rows: 1 })?.columns;
  const id = column('id', 'number');
  assert.equal(suggest([id, column('updated_at', 'time'), column('created_at', 'time')], ['id']), ['updated_at', 'id']);
  assert.equal(suggest([id, column('created_at', 'time')], ['id']), ['id']);
  assert.equal(suggest([column('key', 'other'), column('created_at', 'time')], ['key']), ['created_at', 'key']);
  assert.is(suggest([column('name', 'other')], []), undefined);
  assert.match(
    suggestCursor({ name: 't', columns: [id, column('updated_at', 'time', true)], primaryKey: ['id'], rows: 1 })?.warning ?? '',
    /may be NULL/,
  );
});

test('a state of another input is an error: all rows would be read once more', () => {
  const read = (state: JsonValue): unknown => readCursorState(state, ['id'], undefined, place);
  assert.equal(read({ columns: ['id'], last_record: ['5'] }), { columns: ['id'], last: ['5'] });
  assert.equal(read({ in: { last_record: [5] }, out: {} }), { columns: undefined, last: ['5'] });
  for (const none of [null, {}, { in: {} }]) assert.is(read(none), undefined);
  for (const [state, why] of [
    [{ files: {} }, '"files" is no part of it'],
    [{ last_recrod: [5] }, '"last_recrod" is no part of it'],
    [[5], 'expected a mapping'],
  ] as const)
    assert.throws(
      () => read(state as JsonValue),
      (error: DataError) =>
        error.code === 'STATE_INVALID' && error.message === `the stored state is not one of an incremental read of a table: ${why}`,
    );
});

test.run();
