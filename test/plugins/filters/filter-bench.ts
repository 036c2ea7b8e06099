import { Ajv } from 'ajv';
import { tmpdir } from 'node:os';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { createSqlCheck } from '../../../src/core/engine/typing/index.js';
import { buildSelect, STATUS } from '../../../src/core/engine/select.js';
import {
  ConfigError,
  type Column,
  type FilterPlanContext,
  type FilterPlugin,
  type FilterStep,
  type JsonObject,
  type Schema,
  type SqlConnection,
  type SqlValue,
} from '../../../src/core/spi/index.js';

/** The run's start in all filter tests: 2026-02-03T04:05:06.789Z. */
export const STARTED_AT = Date.UTC(2026, 1, 3, 4, 5, 6, 789);

export interface Outcome {
  readonly columns: readonly Column[];
  /** Good rows, by column name. */
  readonly rows: readonly Record<string, SqlValue>[];
  readonly filtered: number;
  /** Reasons of rejected rows, `column: reason`. */
  readonly rejects: readonly string[];
}

function contextOf(sql: SqlConnection, root: string, resources: Readonly<Record<string, unknown>> = {}): FilterPlanContext {
  return {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => STARTED_AT, sleep: () => Promise.resolve() },
    root,
    tempDir: tmpdir(),
    reach: () => undefined,
    resource: (name) => (name in resources ? Promise.resolve(resources[name]) : Promise.reject(new Error(`no resource ${name}`))),
    place: { at: (path) => ({ path }) },
    startedAt: STARTED_AT,
    check: createSqlCheck(sql),
  };
}

/** The config as the engine hands it over: validated, defaults filled in. */
function validated<C>(plugin: FilterPlugin<C>, config: JsonObject): C {
  const ajv = new Ajv({ strict: true, useDefaults: true, allowUnionTypes: true });
  ajv.addKeyword({ keyword: 'x-secret', schemaType: 'boolean' });
  const copy = structuredClone(config);
  if (!ajv.validate(plugin.schema, copy)) throw new ConfigError({ code: 'CONFIG_INVALID', message: ajv.errorsText() });
  return copy as C;
}

/** Plans a filter over a schema. */
export async function planFilter<C>(plugin: FilterPlugin<C>, config: JsonObject, input: Schema, root = tmpdir()): Promise<FilterStep> {
  const database = await openDatabase({ threads: 1 });
  const sql = await database.connect();
  try {
    return await plugin.plan(validated(plugin, config), input, contextOf(sql, root));
  } finally {
    sql.close();
    database.close();
  }
}

/** Plans a filter and runs it as the engine does, over typed rows: `from` is a SQL relation with the columns of `input`. */
export async function runFilter<C>(
  plugin: FilterPlugin<C>,
  config: JsonObject,
  input: Schema,
  from: string,
  root = tmpdir(),
  resources: Readonly<Record<string, unknown>> = {},
): Promise<Outcome> {
  const database = await openDatabase({ threads: 1 });
  const sql = await database.connect();
  try {
    const step = await plugin.plan(validated(plugin, config), input, contextOf(sql, root, resources));
    for (const fn of step.functions ?? []) sql.registerFunction(fn);
    if (step.form === 'whole') {
      await sql.run(`create temp view "__input" as ${from}`);
      await step.prepare?.((text) => sql.run(text));
      return { columns: step.schema, rows: await sql.rows(step.select('"__input"')), filtered: 0, rejects: [] };
    }
    const plan = buildSelect({ from: `(${from})`, columns: input }, [step]);
    const all = await sql.rows(plan.select);
    const statusOf = (row: Record<string, SqlValue>): number => Number(row[STATUS]);
    return {
      columns: plan.schema,
      rows: all.filter((row) => statusOf(row) === 0).map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== STATUS))),
      filtered: all.filter((row) => statusOf(row) < 0).length,
      rejects: all
        .filter((row) => statusOf(row) > 0)
        .map((row) => `${plan.reasons[statusOf(row) - 1]?.column ?? ''}: ${plan.reasons[statusOf(row) - 1]?.reason ?? ''}`),
    };
  } finally {
    sql.close();
    database.close();
  }
}

/** The ConfigError of a plan that must fail. */
export async function configErrorOf(planning: Promise<unknown>): Promise<ConfigError> {
  try {
    await planning;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the plan did not fail');
}

export const strings = (names: readonly string[]): Schema => names.map((name) => ({ name, type: 'string' }));
