import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../../../src/core/spi/index.js';
import { afterRow, notAfterRow } from '../../../../src/plugins/shared/sql/cursor-predicates.js';
import type { CursorColumn, SqlDialect } from '../../../../src/plugins/shared/sql/dialect.js';
import { planCursor } from '../../../../src/plugins/shared/sql/plan-cursor.js';
import type { CursorState } from '../../../../src/plugins/shared/sql/cursor-state.js';

/** DuckDB stands in for a server here: what is tested is the shared logic, not a product's SQL. */
const dialect: SqlDialect = {
  product: 'DuckDB',
  quoteIdentifier,
  quoteLiteral,
  valueOf: (text, column) => `${quoteLiteral(text)}::${column.sqlType}`,
  textOf: (expression) => `(${expression})::varchar`,
  minus: (expression, _column, lag) => `(${expression} - ${lag.form === 'amount' ? lag.amount : lag.seconds})`,
  isOneOf: (columns, rows) =>
    `((${columns.map(({ name }) => quoteIdentifier(name)).join(', ')}) IN (${rows.map((row) => `(${row.map((text, i) => dialect.valueOf(text, columns[i] as CursorColumn)).join(', ')})`).join(', ')}))`,
};

const place = { at: (path: string) => ({ path }) };
const column = (name: string): CursorColumn => ({ name, sqlType: 'bigint', kind: 'number', nullable: false });
const rounds = process.env['SLUICE_ROUNDS'] === 'full' ? 500 : 40;

let sql: DuckDBConnection;
test.before(async () => void (sql = await (await DuckDBInstance.create()).connect()));
test.after(() => sql.closeSync());

async function texts(query: string): Promise<(string | null)[][]> {
  const reader = await sql.runAndReadAll(query);
  return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
}

test('the comparison of rows is the one of SQL', async () => {
  const small = fc.integer({ min: 0, max: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(small, small, small), { minLength: 1, maxLength: 20 }), fc.tuple(small, small, small), async (rows, at) => {
      const columns = ['a', 'b', 'c'].map(column);
      const values = `(VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}) AS t(a, b, c)`;
      const after = afterRow(dialect, columns, at.map(String));
      const upTo = notAfterRow(dialect, columns, at.map(String));
      const [row] = await texts(
        `SELECT count(*) FILTER (WHERE (${after}) <> ((a, b, c) > (${at.join(', ')}))), count(*) FILTER (WHERE (${upTo}) <> ((a, b, c) <= (${at.join(', ')}))) FROM ${values}`,
      );
      assert.equal(row, ['0', '0']);
    }),
    { numRuns: rounds },
  );
});

/** Rows appear out of order, but never later than the lag; between plan and read some more appear. */
test('with lag and key every row comes exactly once, whenever it appears', async () => {
  const batch = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(batch, batch), { minLength: 2, maxLength: 5 }), async (steps) => {
      await sql.run('CREATE OR REPLACE TABLE t (id BIGINT, n BIGINT)');
      let id = 0;
      let clock = 10;
      const insert = async (ages: readonly number[]): Promise<void> => {
        clock += 2;
        for (const age of ages) await sql.run(`INSERT INTO t VALUES (${++id}, ${clock - age})`);
      };
      const source = { from: 't', where: [], orderBy: undefined, table: ['t'], name: 't' };
      const seen: string[] = [];
      let last: CursorState | undefined;
      const run = async (between: readonly number[]): Promise<void> => {
        const plan = await planCursor({
          dialect,
          source,
          columns: [column('n')],
          key: [column('id')],
          lag: { form: 'amount', amount: '12' },
          maxOverlapRows: 1000,
          last,
          place,
          texts,
        });
        await insert(between);
        if (plan.where === undefined) return;
        seen.push(...(await texts(`SELECT id FROM t WHERE ${plan.where.map((w) => `(${w})`).join(' AND ')}`)).map(([text]) => text ?? ''));
        last = plan.next;
      };
      for (const [before, between] of steps) {
        await insert(before);
        await run(between);
      }
      await run([]);
      assert.equal(
        seen.map(Number).sort((a, b) => a - b),
        Array.from({ length: id }, (_, i) => i + 1),
      );
    }),
    { numRuns: rounds },
  );
});

test.run();
