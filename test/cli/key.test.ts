import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openMetastore } from '../../src/metastore/index.js';
import { readKey, sameHash } from '../../src/server/keys/api-key.js';
import { Desk } from './desk.js';

let desk: Desk;
test.before.each(() => {
  desk = new Desk();
});
test.after.each(() => desk.remove());

test('a key is shown once; what is stored is a hash that opens with it', async () => {
  const made = await desk.ok(['key', 'create', 'the dashboard', '--scope', 'write,read', '--database', 'shop,marts', '--expires', '30d']);
  const [text = ''] = made.stdout.trim().split('\n');
  const key = readKey(text);
  assert.ok(key, made.stdout);
  assert.match(made.stderr, new RegExp(`key ${key.id}: read, write; shop, marts; expires \\d{4}-`));
  assert.not.ok(made.stderr.includes(text));
  const store = await openMetastore({ url: `sqlite:${desk.folder}/.sluice/metastore.db` });
  const stored = await store.getKey(key.id);
  await store.close();
  assert.ok(stored && sameHash(key.hash, stored.hash));
  assert.equal([stored.scopes, stored.databases, stored.description], [['read', 'write'], ['shop', 'marts'], 'the dashboard']);
  assert.ok(Math.abs((stored.expiresAt ?? 0) - Date.now() - 30 * 86_400_000) < 60_000);
  const secret = text.slice(text.lastIndexOf('_') + 1);
  const { readFileSync, readdirSync } = await import('node:fs');
  for (const name of readdirSync(`${desk.folder}/.sluice`).filter((each) => each.startsWith('metastore')))
    assert.not.ok(readFileSync(`${desk.folder}/.sluice/${name}`).includes(secret), name);
  const listed = await desk.ok(['key', 'list']);
  assert.match(listed.stdout, /the dashboard\s+│?\s*read, write/);
  assert.not.ok(listed.stdout.includes(secret) || listed.stdout.includes(stored.hash));
});

test('keys are made with --json, listed with their status, revoked once', async () => {
  const [made] = await desk.json<{ id: string; key: string; scopes: string[]; databases: null }>(['key', 'create']);
  assert.equal([made?.scopes, made?.databases, readKey(made?.key ?? '')?.id], [['read'], null, made?.id]);
  const id = made?.id ?? '';
  const unasked = await desk.sluice(['key', 'revoke', id]);
  assert.is(unasked.code, 2);
  assert.match(unasked.stderr, /NOT_CONFIRMED|expected --yes/);
  await desk.ok(['key', 'revoke', id, '--yes']);
  const [listed] = await desk.json<{ status: string; uses: number; hash?: string }>(['key', 'list']);
  assert.equal([listed?.status, listed?.uses, listed?.hash], ['revoked', 0, undefined]);
  assert.match((await desk.ok(['key', 'revoke', id])).stderr, /was revoked before/);
});

test('a project without keys says so', async () => {
  assert.match((await desk.ok(['key', 'list'])).stderr, /no keys; `sluice key create` makes one/);
});

test('wrong uses are told', async () => {
  const fails = async (args: readonly string[], message: RegExp, hint: RegExp): Promise<void> => {
    const outcome = await desk.sluice(['key', ...args]);
    assert.is(outcome.code, 2, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.match(outcome.stderr, hint);
  };
  await fails(['create', '--scope', 'root'], /expected scopes among read, write, rejects, admin, found root/, /--scope read,write/);
  await fails(['create', '--database', 'Shop!'], /--database: expected names of a-z, 0-9 and _, found "Shop!"/, /--database shop,marts/);
  await fails(['create', '--database', ','], /--database: expected names, found none/, /--database shop,marts/);
  await fails(['create', '--expires', '2001-01-01'], /--expires: expected days or a date to come, found 2001-01-01/, /--expires 90d/);
  await fails(['create', '--expires', '2099-02-31'], /--expires: expected days or a date to come, found 2099-02-31/, /--expires 90d/);
  await fails(['revoke', 'nothing', '--yes'], /no key nothing/, /sluice key list/);
  await fails(['revoke'], /expected the id of a key/, /sluice key list/);
  await fails(['mint'], /expected create, list, revoke, found mint/, /--help/);
  const [made] = await desk.json<{ key: string }>(['key', 'create']);
  const whole = await desk.sluice(['key', 'revoke', made?.key ?? '', '--yes']);
  assert.match(whole.stderr, /expected the id of a key, found a whole key/);
  assert.not.ok(whole.stderr.includes(made?.key ?? '-'));
});

test.run();
