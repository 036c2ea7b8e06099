import { join } from 'node:path';
import { engineErrorKind } from '../../core/duckdb/index.js';
import { ConfigError, DataError, SluiceError, quoteIdentifier, quotePath, type JsonObject } from '../../core/spi/index.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { nameTaken } from '../catalog/catalog.js';
import { splitTableName } from '../catalog/table-name.js';
import { whyNotRewritable } from '../maintain/rewritable.js';
import { currentSchema, type NestedField } from '../table/model.js';
import { columnTypeOf, duckTypeOf } from '../table/types.js';
import { planWholeRows } from '../write/whole-rows.js';
import type { WritePlan } from '../write/write-plan.js';
import { castKeepsValue } from './nested-types.js';
import type { QueryOptions, ResultColumn } from './query-options.js';
import { checkSignal } from './query-session.js';
import { insertable, tableColumn } from './result-types.js';
import { inWorkshop, qualify, type SqlOutcome, type SqlParts, type Workshop } from './sql-parts.js';
import { asRun } from './sql-run.js';
import type { SqlStatement } from './write-statements.js';
import { rowCount } from './row-count.js';

type Insert = Extract<SqlStatement, { kind: 'insert' }>;
type CreateTable = Extract<SqlStatement, { kind: 'create-table' }>;

/** Rows of the user's SELECT in a file that the locked engine wrote. */
interface Spooled {
  readonly from: string;
  readonly names: readonly string[];
  readonly columns: readonly ResultColumn[];
}

async function spoolSelect(parts: SqlParts, select: string, shop: Workshop, options: QueryOptions): Promise<Spooled> {
  const path = join(shop.folder, 'rows.parquet');
  const { names, columns } = await parts.engine.writeFile(select, { path, format: 'parquet', passing: true }, options);
  return { from: `read_parquet(${quotePath(path)}, hive_partitioning = false)`, names, columns };
}

/** INSERT INTO: the SELECT runs locked, its rows go through the same staging and commit as a pipeline's. */
export async function insertRows(parts: SqlParts, statement: Insert, text: string, options: QueryOptions): Promise<SqlOutcome> {
  const table = qualify(statement.table, options);
  const loaded = await parts.warehouse.catalog.loadTable(table);
  const targets = targetFields(loaded, statement.columns, table);
  return inWorkshop(options, async (shop) => {
    const spooled = await spoolSelect(parts, statement.select, shop, options);
    if (spooled.columns.length !== targets.length) {
      throw new ConfigError({
        code: 'SQL_COLUMNS',
        message: `${table}: expected ${targets.length} columns (${targets.map((f) => f.name).join(', ')}), found ${spooled.columns.length}`,
        hint: 'name the columns: INSERT INTO table (a, b) SELECT …',
      });
    }
    const list: string[] = [];
    for (const [i, field] of targets.entries()) list.push(`${await fittingSql(shop, spooled, i, field, table)} AS ${quoteIdentifier(field.name)}`);
    const { rows, runId, facts } = await stageAndCommit(
      parts,
      await planInsert(parts, loaded, targets, table),
      `SELECT ${list.join(', ')}, 0 AS __status FROM ${spooled.from}`,
      text,
      shop,
      options,
    );
    return { kind: 'done', message: `inserted ${rowCount(rows)} into ${table}`, rows, runId, facts };
  });
}

async function planInsert(parts: SqlParts, loaded: LoadedTable, targets: readonly NestedField[], table: string): Promise<WritePlan> {
  if (targets.some((f) => columnTypeOf(f) === undefined)) {
    // Such columns are those of tables that another engine made: the plan is for exactly what the table has.
    const plan = planWholeRows(table, loaded.metadata);
    const ids = new Set(targets.map((f) => f.id));
    return { ...plan, columns: plan.columns.filter((c) => ids.has(c.id)) };
  }
  const plan = await parts.warehouse.planWrite({
    table,
    schema: targets.map((f) => ({ name: f.name, type: columnTypeOf(f) ?? '' })),
    mode: 'append',
    schemaEvolution: 'add',
  });
  return keepTypes(plan, currentSchema(loaded.metadata).fields);
}

/** An int stays an int: SQL gives longs, and a value that does not fit is an error of the cast. */
function keepTypes(plan: WritePlan, fields: readonly NestedField[]): WritePlan {
  const types = new Map(fields.map((f) => [f.id, f]));
  const narrow: Readonly<Record<string, string>> = { int: 'INTEGER', float: 'FLOAT' };
  return {
    ...plan,
    fields: plan.fields.map((f) => types.get(f.id) ?? f),
    columns: plan.columns.map((c) => {
      const type = types.get(c.id)?.type;
      return typeof type === 'string' && narrow[type] !== undefined ? { ...c, type, duckType: narrow[type] } : c;
    }),
    schemaChanges: [],
  };
}

function targetFields(loaded: LoadedTable, names: readonly string[] | undefined, table: string): readonly NestedField[] {
  const fields = currentSchema(loaded.metadata).fields;
  const chosen = names?.map((name) => {
    const field = fields.find((f) => f.name.toLowerCase() === name.toLowerCase());
    if (!field)
      throw new ConfigError({
        code: 'SQL_COLUMNS',
        message: `${table}: there is no column ${name}`,
        hint: `columns: ${fields.map((f) => f.name).join(', ')}`,
      });
    return field;
  });
  const targets = chosen ?? fields;
  const why = targets.some((f) => columnTypeOf(f) === undefined) ? whyNotRewritable(loaded.metadata) : undefined;
  if (why !== undefined)
    throw new ConfigError({
      code: 'TABLE_NOT_REWRITABLE',
      message: `${table}: rows with nested columns cannot be written here: ${why}`,
      hint: 'name the other columns, or write with the engine that made the table',
    });
  if (new Set(targets).size !== targets.length)
    throw new ConfigError({ code: 'SQL_COLUMNS', message: `${table}: a column is named twice`, hint: 'name each column once' });
  return targets;
}

async function fittingSql(shop: Workshop, spooled: Spooled, index: number, field: NestedField, table: string): Promise<string> {
  const column = spooled.columns[index] as ResultColumn;
  const type = columnTypeOf(field);
  const quoted = quoteIdentifier(column.name);
  if (type === undefined && castKeepsValue(column.type, field.type)) return `CAST(${quoted} AS ${duckTypeOf(field.type)})`;
  // The cast refuses text that is no JSON and keeps the text of what is.
  if (type === 'json' && column.type === 'VARCHAR') return `CAST(CAST(${quoted} AS JSON) AS VARCHAR)`;
  if (type !== undefined && insertable(column.type, type)) return quoted;
  // NULL has no type of its own; DuckDB calls it INTEGER.
  const [row] = await shop.sql.rows(`SELECT count(${quoted}) AS n FROM ${spooled.from}`);
  if (Number(row?.['n']) === 0) return type === undefined ? `CAST(NULL AS ${duckTypeOf(field.type)})` : 'NULL';
  throw new ConfigError({
    code: 'SQL_TYPE',
    message: `${table}: the column ${field.name} is ${type ?? duckTypeOf(field.type)}, the SELECT gives ${column.type}`,
    hint: `convert it in the SELECT: CAST(… AS …); INSERT does not round or reinterpret values by itself`,
  });
}

const PARTITION_KEYS = ['partitioned_by', 'partition_by', 'partitioning'];

/** CREATE TABLE AS: as a load into a new table. */
export async function createTableAs(parts: SqlParts, statement: CreateTable, text: string, options: QueryOptions): Promise<SqlOutcome> {
  const table = qualify(statement.table, options);
  const unknown = [...statement.properties.keys()].find((key) => ![...PARTITION_KEYS, 'time_column', 'comment'].includes(key));
  if (unknown !== undefined)
    throw new ConfigError({
      code: 'SQL_PROPERTY',
      message: `${table}: there is no table property ${unknown}`,
      hint: 'properties: partitioned_by, time_column, comment',
    });
  const name = splitTableName(table);
  if (await parts.warehouse.catalog.findTable(table)) {
    if (statement.ifNotExists) return { kind: 'done', message: `${table} exists already`, rows: 0, facts: {} };
    throw nameTaken(name);
  }
  if (await parts.warehouse.metastore.catalog.getView(name.namespace, name.name)) throw nameTaken(name);
  return inWorkshop(options, async (shop) => {
    const spooled = await spoolSelect(parts, statement.select, shop, options);
    refuseEqualNames(spooled.names, table);
    const columns = spooled.columns.map(tableColumn);
    const partitionBy = PARTITION_KEYS.map((key) => statement.properties.get(key)).find((v) => v !== undefined);
    const timeColumn = statement.properties.get('time_column')?.[0];
    const comment = statement.properties.get('comment')?.[0];
    const plan = await parts.warehouse.planWrite({
      table,
      schema: columns.map(({ name: column, type }) => ({ name: column, type })),
      mode: 'append',
      ...(partitionBy === undefined ? {} : { partitionBy }),
      ...(timeColumn === undefined ? {} : { timeColumn }),
      ...(comment === undefined ? {} : { tableComment: comment }),
    });
    const list = columns.map((c) => `${c.sql} AS ${quoteIdentifier(c.name)}`);
    const { rows, runId, facts } = await stageAndCommit(
      parts,
      plan,
      `SELECT ${list.join(', ')}, 0 AS __status FROM ${spooled.from}`,
      text,
      shop,
      options,
    );
    return { kind: 'done', message: `created ${table} with ${rowCount(rows)}`, rows, runId, facts };
  });
}

/** In the file the second one has a name that nobody asked for. */
function refuseEqualNames(names: readonly string[], table: string): void {
  const first = new Map<string, string>();
  for (const name of names) {
    const same = first.get(name.toLowerCase());
    if (same !== undefined) {
      throw new ConfigError({
        code: 'DUPLICATE_COLUMN',
        message: `${table}: two columns of the SELECT differ at most by case: ${same} and ${name}`,
        hint: 'give one of them another name with AS',
      });
    }
    first.set(name.toLowerCase(), name);
  }
}

async function stageAndCommit(
  parts: SqlParts,
  plan: WritePlan,
  select: string,
  text: string,
  shop: Workshop,
  options: QueryOptions,
): Promise<{ rows: number; runId: string; facts: JsonObject }> {
  const { warehouse } = parts;
  const reach = (): void => undefined;
  return asRun(warehouse, plan.table, text, options, async (run) => {
    const staged = await warehouse
      .stageFiles(
        plan,
        { select, statusColumn: '__status' },
        { runId: run.runId, task: 0, sql: shop.sql, record: (paths) => run.record(paths), reach },
      )
      .catch((error: unknown) => {
        throw wrongValue(error, plan.table);
      });
    checkSignal(options.signal);
    const commit = await warehouse.commitWrites(
      { plan, staged: [staged], rejects: [] },
      {
        runId: run.runId,
        reach,
        within: (tx, facts) => run.complete(tx, { rows: staged.rows, bytes: staged.bytes, files: staged.files }, facts),
      },
    );
    return { rows: staged.rows, runId: run.runId, facts: commit.facts };
  });
}

/** A value of the SELECT that does not fit its column. */
function wrongValue(error: unknown, table: string): unknown {
  if (!(error instanceof SluiceError) || engineErrorKind(error.cause) !== 'conversion') return error;
  const [reason] = (error.cause instanceof Error ? error.cause.message : error.message).split('\n');
  return new DataError({
    code: 'SQL_VALUE',
    message: `${table}: ${reason}`,
    hint: 'nothing was written; TRY_CAST in the SELECT gives NULL for values that do not fit',
    cause: error,
  });
}
