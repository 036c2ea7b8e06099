import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase, type DuckConnection } from '../../../../src/core/duckdb/index.js';
import { quoteLiteral, type StageContext, type StagedRelation } from '../../../../src/core/spi/index.js';
import { readSpool } from '../../../../src/plugins/shared/sql-output/read-spool.js';
import type { SpoolForm } from '../../../../src/plugins/shared/sql-output/spool-lines.js';
import { stageSpool, type Spool } from '../../../../src/plugins/shared/sql-output/stage-spool.js';

const FORMS: readonly SpoolForm[] = [
  { kind: 'csv', nullText: 'NULL' },
  { kind: 'escaped', nullText: '\\N' },
];
const TEXTS = [
  null,
  '',
  'plain',
  'NULL',
  '\\N',
  '\\.',
  'a\tb',
  'a\nb',
  'a\r\nb',
  '\\',
  '\\\\t',
  '\\t',
  't\\',
  '"',
  '""',
  'a,b',
  ' x ',
  '\u0001',
  '日本𝒳',
  'é'.repeat(70_000),
];
const SCHEMA = [
  { name: 'n', type: 'long' },
  { name: 't', type: 'string' },
] as const;

interface Desk {
  readonly sql: DuckConnection;
  readonly ctx: StageContext;
}

const test = suite<Desk & { close(): Promise<void> }>('lines of a spool');

test.before.each(async (desk) => {
  const tempDir = await mkdtemp(join(tmpdir(), 'sluice-spool-'));
  const database = await openDatabase();
  const sql = await database.connect();
  const ctx = { tempDir, sql, record: () => Promise.resolve() } as unknown as StageContext;
  const close = async (): Promise<void> => {
    sql.close();
    database.close();
    await rm(tempDir, { recursive: true });
  };
  Object.assign(desk, { sql, ctx, close });
});
test.after.each((desk) => desk.close());

const COLUMNS = [
  { sql: 'n', text: false },
  { sql: 't', text: true },
];
const valueSql = (text: string | null): string => (text === null ? 'NULL' : quoteLiteral(text));

for (const form of FORMS) {
  test(`every text comes back from ${form.kind}`, async ({ sql, ctx }) => {
    const rows = TEXTS.map((text, i) => `(${i === 3 ? 'NULL' : i}, ${valueSql(text)}, 0)`).join(', ');
    const relation: StagedRelation = { select: `SELECT * FROM (VALUES ${rows}) v(n, t, s)`, schema: SCHEMA, statusColumn: 's' };
    const report = await stageSpool(relation, { columns: COLUMNS, form }, ctx);
    const { files, rows: staged } = report.staged as unknown as Spool;
    assert.is(staged, TEXTS.length);
    const found = await sql.rows(`SELECT n, t FROM ${readSpool(files, SCHEMA, false, form)} ORDER BY n NULLS LAST`);
    const expected = TEXTS.map((t, i) => ({ n: i === 3 ? null : i, t }));
    assert.equal(
      found.map(({ n, t }) => ({ n: n === null ? null : Number(n), t })),
      [...expected.filter(({ n }) => n !== null), ...expected.filter(({ n }) => n === null)],
    );
  });
}

test('escaped lines are those of COPY in its text format', async ({ ctx }) => {
  const relation: StagedRelation = {
    select: `SELECT 1 AS n, 'a' || chr(9) || '\\' || chr(10) || chr(13) AS t, 0 AS s`,
    schema: SCHEMA,
    statusColumn: 's',
  };
  const report = await stageSpool(relation, { columns: COLUMNS, form: { kind: 'escaped', nullText: '\\N' } }, ctx);
  const [file = ''] = (report.staged as unknown as Spool).files;
  assert.is(await readFile(file, 'utf8'), '1\ta\\t\\\\\\n\\r\n');
});

test('rows of every status are counted in the one scan there may be', async ({ sql, ctx }) => {
  await sql.run('CREATE SEQUENCE scanned');
  const relation: StagedRelation = {
    select: `SELECT nextval('scanned') AS n, 'x' AS t, (i % 103 - 3)::INTEGER AS s FROM range(1030) r(i)`,
    schema: SCHEMA,
    statusColumn: 's',
    statuses: { lowest: -3, highest: 99 },
  };
  const report = await stageSpool(relation, { columns: COLUMNS, form: FORMS[0] as SpoolForm }, ctx);
  assert.is(report.rows, 10);
  assert.is(Object.keys(report.statuses).length, 102);
  assert.equal(new Set(Object.values(report.statuses)), new Set([10]));
  const [row] = await sql.rows(`SELECT last_value AS n FROM duckdb_sequences() WHERE sequence_name = 'scanned'`);
  assert.is(Number(row?.['n']), 1030);
});

test('a task without rows leaves nothing to send', async ({ ctx }) => {
  const relation: StagedRelation = { select: `SELECT 1 AS n, 'x' AS t, 1 AS s WHERE false`, schema: SCHEMA, statusColumn: 's' };
  const report = await stageSpool(relation, { columns: COLUMNS, form: FORMS[1] as SpoolForm }, ctx);
  assert.equal([report.rows, report.bytes, report.statuses], [0, 0, {}]);
});

test.run();
