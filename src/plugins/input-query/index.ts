import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  defineInput,
  quoteIdentifier,
  quotePath,
  type Column,
  type ErrorPlace,
  type JsonObject,
  type PluginContext,
  type Reading,
  type SqlConnection,
} from '../../core/spi/index.js';
import type { QueryOptions, QueryStats, Warehouse } from '../../warehouse/index.js';
import { cursorColumn, cursorState, findBounds, ownParams, readBetween, readCursor, type CursorBounds } from './cursor.js';
import { checkDiff, DELETED, writeDiff, type DiffConfig } from './diff.js';
import { readQueryText } from './query-text.js';
import { resultColumn, type ResultColumn } from './result-column.js';
import { querySchema } from './schema.js';

export interface QueryInputConfig {
  readonly type: 'query';
  readonly sql?: string;
  readonly sql_file?: string;
  readonly params?: { readonly [name: string]: string | number | boolean | null };
  readonly namespace: string;
  readonly as_of?: string;
  readonly diff?: DiffConfig;
  readonly incremental_column?: string;
}

export default defineInput<QueryInputConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'query',
  summary: 'The result of SQL over the tables of the warehouse; what every export reads.',
  stability: 'stable',
  schema: querySchema,
  examples: [
    { title: 'Totals per day', config: { type: 'query', sql: 'select day, sum(amount) as total from shop.orders group by day' } },
    {
      title: 'Rows that came since the last run',
      config: { type: 'query', sql: 'select * from shop.orders', incremental_column: 'order_id' },
    },
  ],

  async plan(config, ctx) {
    const warehouse = await warehouseOf(ctx);
    const text = await readQueryText(config, ctx.root, warehouse, ctx.place);
    const where = ctx.place.at(config.sql === undefined ? 'sql_file' : 'sql');
    const cursor =
      config.incremental_column === undefined
        ? undefined
        : { column: config.incremental_column, after: ctx.useState ? readCursor(ctx.state, config.incremental_column) : null };
    const options = queryOptions(config, ctx);
    const bound = { ...options, params: { ...config.params, ...(cursor ? ownParams(text, cursor.after) : {}) } };
    // The text alone first: it must be one SELECT by itself, and its errors name its own lines.
    const stats = await placed(where, () => warehouse.explain(text, bound));
    const columns = await placed(where, () => describe(warehouse, text, bound));
    if (config.diff) checkDiff(config.diff, columns, ctx.place);
    if (config.diff && cursor) throw diffWithCursor(ctx.place.at('diff'));
    const task: JsonObject = { text, columns: columns.map(({ name, type, sql }) => ({ name, type, sql })) };
    const result = { columns: givenColumns(columns, config), notes: [noteOf(stats)] };
    if (!cursor) return { ...result, tasks: [task] };
    const given = { ...options, params: { ...config.params } };
    const bounds = await placed(ctx.place.at('incremental_column'), () => findBounds(warehouse, cursor, text, columns, given));
    return { ...result, tasks: bounds === undefined ? [] : [{ ...task, cursor: { ...bounds } }] };
  },

  async open(task, _plan, config, ctx) {
    const { text, columns, cursor } = task as unknown as QueryTask;
    const warehouse = await warehouseOf(ctx);
    const path = join(ctx.tempDir, `query-${randomUUID()}.parquet`);
    const bounded = cursor === undefined ? undefined : readBetween(text, cursor, cursorColumn(cursor.column, columns));
    const list = columns.map((c) => `${c.sql} AS ${quoteIdentifier(c.name)}`).join(', ');
    const select = `SELECT ${list} FROM (${bounded?.sql ?? text}\n)`;
    const maxMemory = await memoryLimit(ctx.sql);
    const options = { ...queryOptions(config, ctx), ...(maxMemory === undefined ? {} : { maxMemory }) };
    const written = await warehouse.writeFile(
      select,
      { path, format: 'parquet', passing: true },
      { ...options, anyOrder: true, params: { ...config.params, ...bounded?.params } },
    );
    // Nothing that this run does with the rows needs to keep what is no order.
    if (!written.ordered) await ctx.sql.run('SET GLOBAL preserve_insertion_order = false');
    const given = givenColumns(columns, config);
    if (!config.diff) return { form: 'relation', reading: readingOf(path, written.rows, given) };
    // The table of last time is read as it is now, whatever time the query asks for.
    const { asOf: _, ...current } = options;
    const diff = await writeDiff(warehouse, config.diff, path, columns, current, ctx);
    await rm(path, { force: true });
    return { form: 'relation', reading: readingOf(diff.path, diff.rows, given) };
  },

  nextState(plan, state, config) {
    const [task] = plan.tasks as unknown as readonly QueryTask[];
    if (config.incremental_column === undefined || task?.cursor === undefined) return state;
    return cursorState(task.cursor);
  },
});

interface QueryTask {
  readonly text: string;
  readonly columns: readonly ResultColumn[];
  readonly cursor?: CursorBounds;
}

async function warehouseOf(ctx: PluginContext): Promise<Warehouse> {
  return (await ctx.resource('warehouse')) as Warehouse;
}

function queryOptions(config: QueryInputConfig, ctx: PluginContext): QueryOptions {
  return {
    namespace: config.namespace,
    signal: ctx.signal,
    tempDir: ctx.tempDir,
    ...(ctx.scheduledTime === undefined ? {} : { scheduledTime: ctx.scheduledTime }),
    ...(config.as_of === undefined ? {} : { asOf: config.as_of }),
  };
}

async function describe(warehouse: Warehouse, text: string, options: QueryOptions): Promise<readonly ResultColumn[]> {
  const found: { name: string; type: string }[] = [];
  const result = await warehouse.query(`DESCRIBE ${text}\n`, options);
  try {
    for await (const [names = [], types = []] of result.chunks())
      for (const [i, name] of names.entries()) found.push({ name: String(name), type: String(types[i]) });
  } finally {
    await result.close();
  }
  const seen = new Set<string>();
  for (const { name } of found) {
    if (seen.has(name.toLowerCase()))
      throw new ConfigError({
        code: 'SQL_COLUMNS',
        message: `the result has two columns named ${name}`,
        hint: 'name columns apart with AS; names do not differ by case alone',
      });
    seen.add(name.toLowerCase());
  }
  return found.map(resultColumn);
}

function noteOf(stats: QueryStats): string {
  const tables = stats.tables.map((t) => t.table).join(', ');
  return tables === '' ? 'the query reads no table' : `the query reads ${stats.filesKept} of ${stats.filesTotal} files of ${tables}`;
}

/** What the engine that runs the query may hold: as much as the run's own, which is idle meanwhile. */
async function memoryLimit(sql: SqlConnection): Promise<number | undefined> {
  const [row] = await sql.rows("SELECT current_setting('memory_limit') AS bytes");
  const [, number, unit = ''] = /^([\d.]+) (bytes|KiB|MiB|GiB|TiB)$/.exec(String(row?.['bytes'])) ?? [];
  const power = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
  return number === undefined ? undefined : Math.floor(Number(number) * 1024 ** power);
}

function givenColumns(columns: readonly ResultColumn[], config: QueryInputConfig): readonly Column[] {
  const own = columns.map(({ name, type }) => ({ name, type }));
  return config.diff ? [...own, { name: DELETED, type: 'boolean' }] : own;
}

function diffWithCursor(where: ErrorPlace): ConfigError {
  return new ConfigError({
    code: 'DIFF_KEYS',
    message: 'in.diff: rows below the cursor would count as deleted',
    hint: 'use either diff or incremental_column',
    where,
  });
}

function readingOf(path: string, rows: number, columns: readonly Column[]): Reading {
  return {
    relation: { from: `read_parquet(${quotePath(path)}, hive_partitioning = false)`, columns },
    check(scanned, failure) {
      if (scanned < 0) return Promise.reject(failure instanceof Error ? failure : new Error('the scan of the result was stopped'));
      return Promise.resolve({ keep: true, read: rows, rejected: 0, rejects: async function* () {}, files: [] });
    },
    close: () => rm(path, { force: true }),
  };
}

/** Errors of the text are errors of the config; line and column stay those of the text. */
async function placed<T>(where: ErrorPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigError) || where.file === undefined) throw error;
    const { code, message, hint, cause } = error;
    throw new ConfigError({ code, message, where, ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
  }
}
