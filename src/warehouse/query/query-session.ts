import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import type { DuckConnection } from '../../core/duckdb/index.js';
import { throughGate } from '../../core/duckdb/index.js';
import { scanPredicates, type PlannedScan } from '../../core/duckdb/scan-predicates.js';
import { CancelledError, ConfigError, ownValue, quoteIdentifier } from '../../core/spi/index.js';
import { DEFAULT_NAMESPACE } from '../catalog/table-name.js';
import type { Dialect, SqlText } from './dialect.js';
import { explainFileError } from './damaged-files.js';
import { engineNamespace } from './engine-namespaces.js';
import { compileFilter, type FileFilter } from './file-filter.js';
import { planFiles, type FilePlan } from './plan-files.js';
import type { Planner } from './planner.js';
import { prepareSelect } from './prepare-select.js';
import type { QuerySource, TableVersion } from './query-catalog.js';
import type { QueryOptions, QueryParameter, QueryStats, TableScanStats } from './query-options.js';
import { engineName, isCurrent, resolveRelations, type Relation } from './resolve.js';
import { mayLoseOrder } from './row-order.js';
import { openSandbox, type Sandbox } from './sandbox.js';
import { emptyScanSql, scanSql, stubScanSql, urisOf, widenedFloats, type LocalPaths } from './scan-sql.js';
import { nativeSqlError, readNativeError, userSqlError, WRONG_TEXT } from './sql-errors.js';
import type { VersionRequest } from './time-travel.js';

const EXPLAIN_BYTES = 'EXPLAIN (FORMAT JSON) '.length;

export interface SessionParts {
  readonly source: QuerySource;
  /** May still be opening: the statement's own engine opens meanwhile. */
  readonly planner: Promise<Planner>;
  readonly dialect: Dialect;
}

/** A locked engine with the statement's tables in place, bound to exactly the kept files. */
export interface QuerySession {
  readonly sandbox: Sandbox;
  readonly sql: SqlText;
  readonly stats: Omit<QueryStats, 'rows'>;
  readonly tables: readonly BoundTable[];
  readonly local: LocalPaths;
  /** The rows come in the order of the statement or, where it gives none, of the table; else in any. */
  readonly ordered: boolean;
  /** Binds the parameters of a statement that holds the user's text. */
  bind(statement: DuckDBPreparedStatement): void;
  close(): Promise<void>;
}

export interface SessionOptions extends QueryOptions {
  /** Files that the locked engine may write; only statements of ours do. */
  readonly outputFiles?: readonly string[];
  /** The table (`shop.orders`) of which there is a second view that also gives each row's file and row number, see {@link placesName}. */
  readonly placesOf?: string;
}

/** Plans a SELECT, prunes its files and opens a locked engine over them. */
export async function openSession(parts: SessionParts, text: string, options: SessionOptions): Promise<QuerySession> {
  const started = performance.now();
  let openMs = 0;
  const opening = openSandbox(options).then((sandbox) => {
    openMs = performance.now() - started;
    return sandbox;
  });
  let sandbox: Sandbox | undefined;
  try {
    const planned = await planStatement(parts, text, options);
    const planMs = performance.now() - started;
    const bound = await pruneTables(parts.source, planned);
    const pruneMs = performance.now() - started - planMs;
    sandbox = await opening;
    checkSignal(options.signal);
    const waited = performance.now();
    const texts = [planned.sql.text, ...planned.relations.flatMap((relation) => (relation.kind === 'table' ? [] : [relation.sql]))];
    const ordered =
      options.anyOrder !== true ||
      !mayLoseOrder(
        texts,
        bound.reduce((sum, { stats }) => sum + stats.bytesKept, 0),
      );
    if (!ordered) await sandbox.connection.run('SET preserve_insertion_order = false');
    const local = await bindRelations(sandbox, parts.source, planned.relations, bound, options);
    const tables = bound.map((b) => b.stats);
    const sum = (pick: (t: TableScanStats) => number): number => tables.reduce((n, t) => n + pick(t), 0);
    return {
      sandbox,
      sql: planned.sql,
      tables: bound,
      local,
      ordered,
      stats: {
        tables,
        filesTotal: sum((t) => t.filesTotal),
        filesKept: sum((t) => t.filesKept),
        bytesKept: sum((t) => t.bytesKept),
        openMs,
        planMs,
        pruneMs,
        bindMs: performance.now() - waited,
      },
      bind: (statement) => bindParameters(statement, options.params ?? {}),
      close: () => sandbox?.close() ?? Promise.resolve(),
    };
  } catch (error) {
    // The instance may still be opening; it must be gone, with its folder, before the error is seen.
    await opening.then((opened) => opened.close());
    throw error;
  }
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError({ code: 'QUERY_CANCELLED', message: 'the query was stopped', cause: signal.reason });
}

interface PlannedStatement {
  readonly sql: SqlText;
  readonly relations: readonly Relation[];
  readonly stubs: ReadonlyMap<Relation, number>;
  /** Undefined: the plan could not be read, keep every file. */
  readonly scans: readonly PlannedScan[] | undefined;
}

async function planStatement(parts: SessionParts, text: string, options: QueryOptions): Promise<PlannedStatement> {
  const { source, dialect } = parts;
  const planner = await parts.planner;
  const session = await planner.open();
  const stop = (): void => session.connection.interrupt();
  options.signal?.addEventListener('abort', stop);
  try {
    checkSignal(options.signal);
    const { connection } = session;
    const scheduledTime = options.scheduledTime ?? Date.now();
    const select = await prepareSelect(connection, dialect, text, { scheduledTime });
    const defaultNamespace = options.namespace ?? DEFAULT_NAMESPACE;
    const relations = await resolveRelations(select, { source, dialect, connection, defaultNamespace, at: requestedVersion(options), scheduledTime });
    const stubs = new Map<Relation, number>();
    const files = new Map<Relation, readonly string[]>();
    const versions = new VersionNumbers();
    for (const relation of relations) {
      if (relation.kind !== 'table') continue;
      const { table, snapshot, schema } = relation.version;
      const version = versions.number(table['table-uuid'], String(snapshot?.['snapshot-id'] ?? ''));
      const stub = await planner.stub(`${engineName(relation)} ${table['table-uuid']} ${version}`, schema);
      stubs.set(relation, stub.number);
      files.set(relation, stub.files);
    }
    await defineRelations(connection, relations, defaultNamespace, (relation) => {
      const schema = relation.version.schema;
      return schema.fields.length === 0 ? emptyScanSql(schema) : stubScanSql(stubs.get(relation) ?? 0, schema, files.get(relation) ?? []);
    });
    return { sql: select.sql, relations, stubs, scans: await readPlan(connection, select.sql, options) };
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await session.close();
  }
}

/** Counts the versions of a table within one statement: a stub outlives the snapshots of its table, but stands for one of them at a time. */
class VersionNumbers {
  readonly #snapshots = new Map<string, string[]>();

  number(table: string, snapshot: string): number {
    const known = this.#snapshots.get(table) ?? [];
    this.#snapshots.set(table, known);
    const at = known.indexOf(snapshot);
    return at < 0 ? known.push(snapshot) - 1 : at;
  }
}

function requestedVersion(options: QueryOptions): VersionRequest | undefined {
  if (options.snapshot !== undefined) return { kind: 'snapshot', id: options.snapshot };
  return options.asOf === undefined ? undefined : { kind: 'time', text: options.asOf };
}

async function readPlan(connection: DuckConnection, sql: SqlText, options: QueryOptions): Promise<readonly PlannedScan[] | undefined> {
  try {
    return await scanPredicates(connection, sql.text, (statement) => bindParameters(statement, options.params ?? {}));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    checkSignal(options.signal);
    const native = readNativeError(error);
    // Wrong text is the user's; anything else may be a matter of planning only, so the query runs unpruned and decides.
    if (WRONG_TEXT.has(native.exception_type ?? '')) throw nativeSqlError(sql, native, EXPLAIN_BYTES);
    return undefined;
  }
}

async function defineRelations(
  connection: DuckConnection,
  relations: readonly Relation[],
  defaultNamespace: string,
  tableSql: (relation: Extract<Relation, { kind: 'table' }>) => string,
): Promise<void> {
  const namespaces = new Set([defaultNamespace, ...relations.map((r) => r.namespace)].map(engineNamespace));
  const statements = [...namespaces].map((n) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(n)}`);
  for (const relation of relations) {
    const select = relation.kind === 'table' ? tableSql(relation) : relation.sql;
    statements.push(`CREATE VIEW ${engineName(relation)} AS ${select}`);
  }
  statements.push(`USE ${quoteIdentifier(engineNamespace(defaultNamespace))}`);
  for (const statement of statements) await connection.run(statement);
}

/** A table with the files that are left of it. */
export interface BoundTable {
  readonly relation: Relation;
  readonly version: TableVersion;
  readonly plan: FilePlan;
  readonly stats: TableScanStats;
}

async function pruneTables(source: QuerySource, planned: PlannedStatement): Promise<readonly BoundTable[]> {
  const bound: BoundTable[] = [];
  for (const relation of planned.relations) {
    if (relation.kind !== 'table') continue;
    const { table, snapshot, schema } = relation.version;
    const types = new Map(schema.fields.flatMap((f) => (typeof f.type === 'string' ? [[f.id, f.type] as const] : [])));
    const scans = planned.scans?.filter((s) => s.table === planned.stubs.get(relation));
    const filters: readonly FileFilter[] = scans
      ? scans.map((s) => s.predicates && compileFilter(s.predicates, (field) => types.get(field)))
      : [undefined];
    const plan = await planFiles(source.reader, table, snapshot, schema, filters);
    bound.push({ relation, version: relation.version, plan, stats: { table: relation.label, scans: filters.length, ...plan.stats } });
  }
  return bound;
}

async function bindRelations(
  sandbox: Sandbox,
  source: QuerySource,
  relations: readonly Relation[],
  bound: readonly BoundTable[],
  options: SessionOptions,
): Promise<LocalPaths> {
  const uris = [...new Set(bound.flatMap((b) => urisOf(b.plan)))];
  const local = new Map(await Promise.all(uris.map(async (uri) => [uri, await source.storage.localPath(uri)] as const)));
  await sandbox.lock([...local.values(), ...(options.outputFiles ?? [])]);
  const plans = new Map(bound.map((b) => [b.relation, b]));
  const placed = bound.find((b) => isCurrent(b.relation, options.placesOf));
  try {
    if (placed) await definePlaces(sandbox.connection, placed, local);
    await defineRelations(sandbox.connection, relations, options.namespace ?? DEFAULT_NAMESPACE, (relation) => {
      const table = plans.get(relation);
      return table
        ? scanSql(table.plan, relation.version.schema, local, { widened: widenedFloats(relation.version.table) })
        : emptyScanSql(relation.version.schema);
    });
  } catch (error) {
    throw await explainFileError(error, local);
  }
  return local;
}

const PLACES_CATALOG = '__sluice_places';

/**
 * The view with `PLACE_COLUMNS`: in a catalog of its own, so that `shop.orders.id` means a column of it as of the table, and `*`
 * elsewhere none of its places.
 */
export function placesName(relation: Relation): string {
  return `${quoteIdentifier(PLACES_CATALOG)}.${engineName(relation)}`;
}

async function definePlaces(connection: DuckConnection, { relation, version, plan }: BoundTable, local: LocalPaths): Promise<void> {
  const catalog = quoteIdentifier(PLACES_CATALOG);
  await connection.run(
    `ATTACH ':memory:' AS ${catalog}; CREATE SCHEMA IF NOT EXISTS ${catalog}.${quoteIdentifier(engineNamespace(relation.namespace))}; CREATE VIEW ${placesName(relation)} AS ${scanSql(plan, version.schema, local, { withPlace: true, widened: widenedFloats(version.table) })}`,
  );
}

function bindParameters(statement: DuckDBPreparedStatement, params: Readonly<Record<string, QueryParameter>>): void {
  const wanted = Array.from({ length: statement.parameterCount }, (_, i) => statement.parameterName(i + 1));
  const missing = wanted.filter((name) => !Object.hasOwn(params, name));
  const extra = Object.keys(params).filter((name) => !wanted.includes(name));
  if (missing.length > 0 || extra.length > 0) {
    const problems = [...missing.map((n) => `$${n} has no value`), ...extra.map((n) => `the text has no $${n}`)];
    throw new ConfigError({
      code: 'QUERY_PARAMETER',
      message: `query parameters: ${problems.join('; ')}`,
      hint: 'give each $name of the text exactly one value (--param name=value)',
    });
  }
  for (const [i, name] of wanted.entries()) bindOne(statement, i + 1, ownValue(params, name) ?? null);
}

/** Whole numbers are bound as BIGINT: as DOUBLE or HUGEINT they would turn `id = $x` into a comparison that no bound can prune. */
function bindOne(statement: DuckDBPreparedStatement, index: number, value: QueryParameter): void {
  if (value === null) statement.bindNull(index);
  else if (typeof value === 'string') statement.bindVarchar(index, value);
  else if (typeof value === 'boolean') statement.bindBoolean(index, value);
  else if (typeof value === 'number' && !Number.isSafeInteger(value)) statement.bindDouble(index, value);
  else if (BigInt.asIntN(64, BigInt(value)) === BigInt(value)) statement.bindBigInt(index, BigInt(value));
  else statement.bindHugeInt(index, BigInt(value));
}

/** Prepares the user's text in the locked engine: exactly one statement, and a SELECT. */
export async function prepareUserSelect(session: QuerySession): Promise<DuckDBPreparedStatement> {
  const { native } = session.sandbox.connection;
  const { sql } = session;
  try {
    return await throughGate(async () => {
      const { StatementType } = await import('@duckdb/node-api');
      const extracted = await native.extractStatements(sql.text);
      const statement = extracted.count === 1 ? await extracted.prepare(0) : undefined;
      if (statement?.statementType !== StatementType.SELECT)
        throw new ConfigError({
          code: 'SQL_REFUSED',
          message: `expected one SELECT, found ${extracted.count} statement(s)`,
          hint: 'a query is exactly one SELECT',
        });
      session.bind(statement);
      return statement;
    });
  } catch (error) {
    throw userSqlError(sql, await explainFileError(error, session.local));
  }
}
