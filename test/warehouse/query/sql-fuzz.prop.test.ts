import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { parseStatement } from '../../../src/warehouse/query/write-statements.js';
import { splitStatements, tokenizeSql } from '../../../src/warehouse/query/sql-tokens.js';
import { field, openTestWarehouse, type TestWarehouse } from './fixture.js';

const FULL = process.env['SLUICE_ROUNDS'] === 'full';
let house: TestWarehouse;

test.before(async () => {
  house = await openTestWarehouse();
  await house.createTable('f.t', [field(1, 'id', 'long'), field(2, 'name', 'string')]);
  await house.append('f.t', [`SELECT range AS id, 'x' AS name FROM range(10)`]);
});
test.after(() => house.close());

const PIECES = [
  'SELECT',
  'FROM',
  'WHERE',
  'f.t',
  'id',
  'name',
  '*',
  '1',
  "'a'",
  "'",
  '"',
  '"id"',
  '$$',
  '$x$',
  '$1',
  '$a',
  '?',
  '(',
  ')',
  ',',
  ';',
  '--',
  '/*',
  '*/',
  '\n',
  '.',
  '..',
  '::',
  'INSERT INTO',
  'DELETE',
  'CREATE TABLE',
  'AS',
  'VIEW',
  'DROP',
  'FOR VERSION AS OF',
  '12',
  'FOR TIMESTAMP AS OF',
  'information_schema.tables',
  'WITH',
  'SHOW TABLES',
  'DESCRIBE',
  'VALUES',
  'UNION',
  'OR',
  'AND',
  'IN',
  "E'\\'",
  "x'0'",
  '1e',
  '0x',
  '[',
  ']',
  '{',
  '}',
  '->',
  'ü',
  '\u{1F600}',
  '\0',
  '"f"."t$files"',
  'read_csv',
  'LIMIT 1',
];
const sqlish = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((p) => p.join(' ')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }).map((p) => p.join('')),
);

async function settles(work: () => Promise<unknown> | unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof SluiceError, `not one of our errors: ${String(error)}`);
    assert.ok([2, 3].includes((error as SluiceError).exitCode), `${(error as SluiceError).code}: ${(error as SluiceError).message}`);
  }
}

test('any text is answered or refused, never a crash', async () => {
  await fc.assert(
    fc.asyncProperty(sqlish, (text) => settles(() => house.rows(text))),
    { numRuns: FULL ? 3000 : 150 },
  );
  assert.equal(await house.rows('SELECT count(*) AS n FROM f.t'), [{ n: 10n }]);
});

test('splitting loses no token and makes none', async () => {
  await fc.assert(
    fc.asyncProperty(sqlish, (text) =>
      settles(() => {
        const whole = tokenizeSql(text).filter((t) => t.value !== ';' || t.kind !== 'sign');
        const parts = splitStatements(text);
        assert.equal(
          parts.flatMap((p) => tokenizeSql(p.text).map((t) => t.value)),
          whole.map((t) => t.value),
        );
        for (const part of parts) parseStatement(part.text);
      }),
    ),
    { numRuns: FULL ? 20_000 : 1500 },
  );
});

test('deep and long texts end with an answer or an error', async () => {
  await settles(() => house.rows(`SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`));
  await settles(() => house.rows(`SELECT ${Array(5000).fill('1').join('+')} AS n`));
  await settles(() => house.rows(`SELECT ${'NOT '.repeat(5000)} true AS n`));
  assert.equal(await house.rows(`SELECT count(*) AS n FROM f.t WHERE id IN (${Array.from({ length: 5000 }, (_, i) => i).join(', ')})`), [{ n: 10n }]);
  assert.equal(await house.rows(`SELECT count(*) AS n FROM f.t WHERE ${Array.from({ length: 500 }, (_, i) => `id = ${i}`).join(' OR ')}`), [
    { n: 10n },
  ]);
});

test.run();
