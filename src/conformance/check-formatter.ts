import { castProblem, castSql, conversionSql } from '../core/engine/typing/index.js';
import {
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type FormatContext,
  type FormatterPlugin,
  type JsonObject,
  type Schema,
} from '../core/spi/index.js';
import { errorOf, expect, expectEqual, runChecks, type Check } from './checks.js';
import { declarationChecks, prepareConfig } from './declaration.js';
import { inLab } from './lab.js';
import { awkwardRows, EVERY_TYPE, WIDE } from './values.js';

export interface FormatterCase {
  readonly title: string;
  readonly config: JsonObject;
  /** Columns beside those of the suite. */
  readonly columns?: Schema;
  /** Planning must fail with this code. */
  readonly error?: string;
}

const CONTEXT: FormatContext = {
  text: { sql: (ref, type, text) => castSql(ref, type, 'string', text), problem: (type, text) => castProblem(type, 'string', text) },
  place: { at: (path) => ({ path }) },
};

/** Holds a formatter against its contract: its SQL works for every type and any value. Answers the names of the checks; throws ConformanceError. */
export function checkFormatter<C>(plugin: FormatterPlugin<C>, cases: readonly FormatterCase[]): Promise<readonly string[]> {
  const formatter = plugin as unknown as FormatterPlugin;
  return runChecks(`formatter ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(formatter, c)),
  ]);
}

function caseChecks(formatter: FormatterPlugin, c: FormatterCase): readonly Check[] {
  const every = [...(c.columns ?? []), ...EVERY_TYPE.map(({ name, type }): Column => ({ name, type }))];
  const wide = [...(c.columns ?? []), ...Array.from({ length: WIDE }, (_, i): Column => ({ name: `c${i}`, type: 'long' }))];
  if (c.error !== undefined) {
    return [
      {
        name: `${c.title}: planning fails with ${c.error}`,
        async run() {
          const config = await prepareConfig(formatter, c.config);
          const error = await errorOf(() => Promise.resolve().then(() => formatter.plan(config, every, CONTEXT)));
          expectEqual(error.code, c.error, 'code');
        },
      },
    ];
  }
  return [
    {
      name: `${c.title}: the plan is JSON and the same each time`,
      async run() {
        const config = await prepareConfig(formatter, c.config);
        const plan = formatter.plan(config, every, CONTEXT);
        expectEqual(JSON.parse(JSON.stringify(plan)), plan, 'the plan after a round trip through JSON');
        expectEqual(formatter.plan(config, every, CONTEXT), plan, 'the second plan');
      },
    },
    { name: `${c.title}: every type and any value`, run: () => writes(formatter, c, every, awkwardRows().texts) },
    { name: `${c.title}: ${WIDE} columns`, run: () => writes(formatter, c, wide, [wide.map((_, i) => String(i))]) },
  ];
}

/** Computes all records (or columns); a record is never NULL, also for a row of NULLs. */
async function writes(formatter: FormatterPlugin, c: FormatterCase, schema: Schema, texts: readonly (readonly (string | null)[])[]): Promise<void> {
  const own = c.columns?.length ?? 0;
  const plan = formatter.plan(await prepareConfig(formatter, c.config), schema, CONTEXT);
  const rows = [...texts, schema.map(() => null)].map((row) => {
    const values = schema.map(({ name, type }, i) => {
      const text = i < own ? null : (row[i - own] ?? null);
      return `CAST(${text === null ? 'NULL' : conversionSql(`${quoteLiteral(text)}::VARCHAR`, { type })} AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`;
    });
    return `SELECT ${values.join(', ')}`;
  });
  await inLab(async (lab) => {
    const from = `(${rows.join(' UNION ALL ')})`;
    const { sql } = lab.context();
    if (plan.form === 'copy') {
      const found = await sql.rows(
        `SELECT ${plan.columns.map((column) => `${column.sql} AS ${quoteIdentifier(column.name)}`).join(', ')} FROM ${from}`,
      );
      expectEqual(found.length, rows.length, 'rows');
      return;
    }
    const found = await sql.rows(`SELECT ${plan.record} AS record FROM ${from}`);
    expectEqual(found.length, rows.length, 'records');
    expect(
      found.every((row) => typeof row['record'] === 'string'),
      'a record is not text',
    );
  });
}
