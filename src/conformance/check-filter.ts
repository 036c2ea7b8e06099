import { buildSelect, countStatuses, STATUS } from '../core/engine/select.js';
import { createSqlCheck } from '../core/engine/typing/index.js';
import {
  columnTypeOf,
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type FilterPlugin,
  type FilterStep,
  type JsonObject,
  type ScalarFunction,
  type Schema,
  type SourceColumn,
} from '../core/spi/index.js';
import { errorOf, expect, expectEqual, runChecks, type Check } from './checks.js';
import { declarationChecks, prepareConfig, secretsOf } from './declaration.js';
import { inLab, type Lab } from './lab.js';
import { awkwardRows, EVERY_TYPE, WIDE } from './values.js';

export interface FilterCase {
  readonly title: string;
  readonly config: JsonObject;
  readonly columns: Schema;
  /** Input rows as texts of their types; null = NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows that come out, each value as DuckDB's text, in any order. */
  readonly expected?: readonly (readonly (string | null)[])[];
  /** Rows rejected. Default 0. */
  readonly rejected?: number;
  /** Planning must fail with this code. */
  readonly error?: string;
}

/** Holds a filter against its contract. Answers the names of the checks; throws ConformanceError. */
export function checkFilter<C>(plugin: FilterPlugin<C>, cases: readonly FilterCase[]): Promise<readonly string[]> {
  const filter = plugin as unknown as FilterPlugin;
  return runChecks(`filter ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(filter, c)),
  ]);
}

function caseChecks(filter: FilterPlugin, c: FilterCase): readonly Check[] {
  const named = (name: string, work: (lab: Lab) => Promise<void>): Check => ({ name: `${c.title}: ${name}`, run: () => inLab(work) });
  if (c.error !== undefined) {
    return [
      named(`planning fails with ${c.error}`, async (lab) => {
        const error = await errorOf(() => planFilter(filter, c, c.columns, lab), secretsOf(filter, c.config));
        expectEqual(error.code, c.error, 'code');
      }),
    ];
  }
  return [
    named('the same plan each time', async (lab) => {
      const text = async (): Promise<string> => planText(await planFilter(filter, c, c.columns, lab));
      expectEqual(await text(), await text(), 'the second plan');
    }),
    named('rows are right, and rows in + added = rows out + filtered + rejected', async (lab) => {
      const result = await runFilter(filter, c, c.columns, c.rows, lab);
      if (c.expected) expectEqual(sorted(result.rows), sorted(c.expected), 'rows');
      expectEqual(result.rejected, c.rejected ?? 0, 'rejected rows');
      if (result.form === 'rows')
        expectEqual(result.rows.length + result.filtered + result.rejected, c.rows.length, 'rows out + filtered + rejected');
    }),
    named('no rows give none', async (lab) => {
      const result = await runFilter(filter, c, c.columns, [], lab);
      expect(result.form === 'whole' || result.rows.length === 0, `expected no row, found ${result.rows.length}`);
    }),
    named('a row of NULLs is no error', async (lab) => {
      await runFilter(filter, c, c.columns, [c.columns.map(() => null)], lab);
    }),
    named('other columns of every type do no harm', async (lab) => {
      const { texts } = awkwardRows();
      const columns = [...c.columns, ...EVERY_TYPE.map(({ type }, i): Column => ({ name: `other ${i}`, type }))];
      const first = c.rows[0] ?? c.columns.map(() => null);
      await runFilter(
        filter,
        c,
        columns,
        texts.map((row) => [...first, ...row]),
        lab,
      );
    }),
    named(`${WIDE} further columns`, async (lab) => {
      const columns = [...c.columns, ...Array.from({ length: WIDE }, (_, i): Column => ({ name: `wide_${i}`, type: 'long' }))];
      const first = c.rows[0] ?? c.columns.map(() => null);
      await runFilter(filter, c, columns, [[...first, ...Array.from({ length: WIDE }, (_, i) => String(i))]], lab);
    }),
  ];
}

async function planFilter(filter: FilterPlugin, c: FilterCase, columns: Schema, lab: Lab): Promise<FilterStep> {
  const config = await prepareConfig(filter, c.config);
  const ctx = lab.context();
  return filter.plan(config, columns, { ...ctx, place: lab.place, startedAt: Date.UTC(2026, 0, 2), check: createSqlCheck(ctx.sql) });
}

function planText(step: FilterStep): string {
  return JSON.stringify([step, step.form === 'whole' ? step.select('"input"') : null]);
}

interface FilterResult {
  readonly form: FilterStep['form'];
  readonly rows: readonly (string | null)[][];
  readonly filtered: number;
  readonly rejected: number;
}

async function runFilter(
  filter: FilterPlugin,
  c: FilterCase,
  columns: Schema,
  rows: readonly (readonly (string | null)[])[],
  lab: Lab,
): Promise<FilterResult> {
  const step = await planFilter(filter, c, columns, lab);
  const ctx = lab.context();
  const register = (functions: readonly ScalarFunction[]): void => functions.forEach((fn) => ctx.sql.registerFunction(fn));
  const source = { from: valuesSql(columns, rows), columns: columns.map((column): SourceColumn => ({ ...column, text: {} })) };
  if (step.form === 'whole') {
    register(step.functions ?? []);
    const input = buildSelect(source, []);
    await ctx.sql.run(`CREATE TEMP TABLE conformance_input AS SELECT * EXCLUDE (${STATUS}) FROM (${input.select})`);
    await step.prepare?.((sql) => ctx.sql.run(sql));
    const select = step.select('conformance_input');
    await expectTypes(select, step.schema, ctx.sql);
    return { form: step.form, rows: await shownRows(select, step.schema, ctx.sql), filtered: 0, rejected: 0 };
  }
  const plan = buildSelect(source, [step]);
  register(plan.functions);
  await expectTypes(plan.select, plan.schema, ctx.sql);
  const shown = await shownRows(`SELECT * FROM (${plan.select}) WHERE ${STATUS} = 0`, plan.schema, ctx.sql);
  const counts = await ctx.sql.rows(`SELECT ${STATUS} AS status, count(*) AS n FROM (${plan.select}) WHERE ${STATUS} <> 0 GROUP BY 1`);
  const statuses = Object.fromEntries(counts.map((row) => [String(row['status']), Number(row['n'])]));
  return { form: step.form, rows: shown, ...countStatuses(statuses, plan.reasons) };
}

/** Text rows as a relation; the usual conversions of the engine make values of them. */
function valuesSql(columns: Schema, rows: readonly (readonly (string | null)[])[]): string {
  const names = columns.map((column) => quoteIdentifier(column.name));
  const nulls = `SELECT ${names.map((name) => `NULL::VARCHAR AS ${name}`).join(', ')}`;
  if (rows.length === 0) return `(${nulls} LIMIT 0)`;
  const tuples = rows.map((row) => `(${row.map((value) => (value === null ? 'NULL' : `${quoteLiteral(value)}`)).join(', ')})`);
  return `((${nulls} LIMIT 0) UNION ALL (SELECT * FROM (VALUES ${tuples.join(', ')})))`;
}

async function expectTypes(select: string, schema: Schema, sql: { rows(text: string): Promise<Record<string, unknown>[]> }): Promise<void> {
  const described = await sql.rows(`DESCRIBE SELECT * FROM (${select})`);
  const found = new Map(described.map((row) => [String(row['column_name']), String(row['column_type'])]));
  for (const { name, type } of schema) {
    const duckdb = found.get(name);
    expect(duckdb !== undefined, `the schema has a column "${name}", but the SQL gives none`);
    expect(
      duckdb === duckdbType(type) || columnTypeOf(duckdb) === type,
      `column "${name}": expected ${duckdbType(type)} for ${type}, found ${duckdb}`,
    );
  }
}

async function shownRows(
  select: string,
  schema: Schema,
  sql: { rows(text: string): Promise<Record<string, unknown>[]> },
): Promise<(string | null)[][]> {
  const columns = schema.map(({ name }, i) => `CAST(${quoteIdentifier(name)} AS VARCHAR) AS c${i}`);
  const rows = await sql.rows(`SELECT ${columns.join(', ')} FROM (${select})`);
  return rows.map((row) => schema.map((_, i) => row[`c${i}`] as string | null));
}

function sorted(rows: readonly (readonly (string | null)[])[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
