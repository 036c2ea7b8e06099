import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, type JsonObject } from '../../../src/core/spi/index.js';
import { findPgPassword, parseResultUrl, type ResultTarget } from '../../../src/plugins/shared/result-url/index.js';

const CONNECTIONS: Readonly<Record<string, string>> = { dwh: 'postgresql', 'my-sql': 'mysql', bucket: 's3' };
const parse = (text: string): ResultTarget => parseResultUrl(text, { connectionType: (name) => CONNECTIONS[name] });

function failure(text: string): ConfigError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

const PASSWORD = { env: 'SLUICE_PASSWORD' };
const CASES: readonly (readonly [string, JsonObject, string])[] = [
  [
    'postgresql://me@db.example.com/sales/orders?mode=merge&keys=id,day',
    { type: 'postgresql', host: 'db.example.com', user: 'me', database: 'sales', table: 'orders', mode: 'merge', keys: ['id', 'day'] },
    'postgresql://db.example.com/sales/orders',
  ],
  [
    'postgresql://me:p%40ss%2Fw@db:5433/sales/orders?mode=update&unique=id&schema=Mart&ssl=true&method=copy',
    {
      type: 'postgresql',
      host: 'db',
      port: 5433,
      user: 'me',
      password: PASSWORD,
      database: 'sales',
      table: 'orders',
      mode: 'merge',
      keys: ['id'],
      schema: 'Mart',
      ssl: true,
    },
    'postgresql://db:5433/sales/Mart.orders',
  ],
  ['postgres:///sales/orders?mode=append', { type: 'postgresql', database: 'sales', table: 'orders', mode: 'append' }, 'postgresql:///sales/orders'],
  [
    'mysql://u:p@[::1]/d%2Fb/t?mode=truncate',
    { type: 'mysql', host: '::1', user: 'u', password: PASSWORD, database: 'd/b', table: 't', mode: 'truncate' },
    'mysql://[::1]/d/b/t',
  ],
  ['mysql://u@h/d/t', { type: 'mysql', host: 'h', user: 'u', database: 'd', table: 't', mode: 'append' }, 'mysql://h/d/t'],
  [
    's3://reports/2026/orders.csv.gz',
    { type: 's3', bucket: 'reports', path: '2026/orders.csv.gz', formatter: { type: 'csv' }, encoders: [{ type: 'gzip' }] },
    's3://reports/2026/orders.csv.gz',
  ],
  [
    's3://AKIA:se%2Fcret@/reports/orders?format=tsv&compression=gz&header=false&null_value=%5CN&newline=LF&region=eu-west-1',
    {
      type: 's3',
      auth_method: 'basic',
      access_key_id: { env: 'SLUICE_ACCESS_KEY_ID' },
      secret_access_key: PASSWORD,
      bucket: 'reports',
      overwrite: true,
      path: 'orders',
      formatter: { type: 'tsv', header_line: false, null_string: '\\N', newline: 'LF' },
      encoders: [{ type: 'gzip' }],
      region: 'eu-west-1',
    },
    's3://reports/orders',
  ],
  [
    'sftp://me:pw@files:2222/out/orders.jsonl.zst',
    {
      type: 'sftp',
      host: 'files',
      port: 2222,
      user: 'me',
      password: PASSWORD,
      path: '/out/orders.jsonl.zst',
      formatter: { type: 'jsonl' },
      encoders: [{ type: 'zstd' }],
    },
    'sftp://files:2222/out/orders.jsonl.zst',
  ],
  [
    'sftp://me@files/~/orders.csv?delimiter=%7C&quote_policy=all',
    { type: 'sftp', host: 'files', user: 'me', path: 'orders.csv', formatter: { type: 'csv', delimiter: '|', quote_policy: 'ALL' } },
    'sftp://files/orders.csv',
  ],
  ['file:out/orders.parquet', { type: 'file', path: 'out/orders.parquet', formatter: { type: 'parquet' } }, 'file:out/orders.parquet'],
  [
    'file:///srv/out/?format=csv&mode=replace&partition_by=country',
    { type: 'file', path_prefix: '/srv/out/', formatter: { type: 'csv' }, mode: 'replace', partition_by: ['country'] },
    'file:/srv/out/',
  ],
  ['stdout', { type: 'stdout', formatter: { type: 'csv' } }, 'stdout'],
  ['-', { type: 'stdout', formatter: { type: 'csv' } }, 'stdout'],
  ['stdout:?format=jsonl', { type: 'stdout', formatter: { type: 'jsonl' } }, 'stdout'],
  ['warehouse:shop.totals?mode=replace', { type: 'warehouse', table: 'shop.totals', mode: 'replace' }, 'warehouse:shop.totals'],
  ['dwh:mart.orders?mode=update&unique=id', { connection: 'dwh', table: 'mart.orders', mode: 'merge', keys: ['id'] }, 'dwh:mart.orders'],
  ['my-sql:t', { connection: 'my-sql', table: 't', mode: 'append' }, 'my-sql:t'],
  ['bucket:daily/orders.csv', { connection: 'bucket', path: 'daily/orders.csv', formatter: { type: 'csv' } }, 'bucket:daily/orders.csv'],
];

for (const [url, out, name] of CASES) {
  test(url, () => {
    const target = parse(url);
    assert.equal(target.out, out);
    assert.is(target.name, name);
  });
}

test('secrets leave the section, are told about, and do not get into names', () => {
  const target = parse('postgresql://me:p%40ss%2Fw@db/sales/orders?mode=append&session_token=abcd');
  assert.equal(target.secrets, { SLUICE_PASSWORD: 'p@ss/w', SLUICE_EXPORT_SESSION_TOKEN: 'abcd' });
  assert.match(target.notes.join(), 'the URL holds a secret');
  assert.not.match(JSON.stringify([target.out, target.name, target.notes]), /p@ss|p%40ss|abcd/);
  assert.equal(parse('postgresql://me@db/sales/orders?mode=append').notes, []);
  assert.match(parse('mysql://u@h/d/t').notes.join(), 'no mode is given: append');
});

test('what is not a target is an error that shows no secret', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['postgresql://me:hunter2@db/orders?mode=append', /expected postgresql:\/\/user@host\/database\/table/],
    ['postgresql://me:hunter2@db/a/b/c', /found 3 parts/],
    ['postgresql://me:hunter2/x@db/sales/orders', /./],
    ['postgresql://me:hunter2%zz@db/sales/orders', /a % is not followed/],
    ['s3://AKIA:hunter2/x@/bucket/path', /expected s3:/],
    ['s3://bucket', /expected s3:/],
    ['sftp://me:hunter2@host/', /expected sftp:/],
    ['postgresqll://me:hunter2@db/a/b', /postgresqll:\/\/ are not known, did you mean "postgresql"/],
    ['nosuch:table', /there is no connection nosuch in sluice.yml/],
    ['td://@/db/table', /Treasure Data are no target/],
    ['', /expected a target/],
    ['dwh:', /expected dwh:table/],
    ['file:', /expected file:path/],
  ];
  for (const [url, message] of cases) {
    const error = failure(url);
    assert.is(error.code, 'RESULT_URL', url);
    assert.match(error.message, message, url);
    assert.not.match(error.message, /hunter2/, url);
    assert.ok(error.hint, url);
  }
});

test('pgpass: the first line that fits, with its wildcards and escapes', () => {
  const text = '# comment\nother:5432:sales:me:no\ndb:5432:sales:me:p\\:a\\\\ss\n*:*:*:*:any\n';
  const wanted = { host: 'db', port: 5432, database: 'sales', user: 'me' };
  assert.is(findPgPassword(text, wanted), 'p:a\\ss');
  assert.is(findPgPassword(text, { ...wanted, user: 'you' }), 'any');
  assert.is(findPgPassword('db:5432:sales:me:x', { ...wanted, port: 1 }), undefined);
  assert.is(findPgPassword('a\\\\:5432:sales:me:x', { ...wanted, host: 'a\\' }), 'x');
});

test.run();
