import type { DuckConnection } from '../../core/duckdb/index.js';
import { ConfigError, quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';
import type { Dialect, SqlText } from './dialect.js';
import { engineNamespace } from './engine-namespaces.js';
import { invalidSql } from './sql-errors.js';
import { INFORMATION_SCHEMA, informationTable, tableColumns, tableOfColumns } from './information-schema.js';
import { metadataTable } from './metadata-tables.js';
import { similarNames } from './name-hints.js';
import { prepareSelect, type PreparedSelect } from './prepare-select.js';
import { currentVersion, findRelation, isTable, type QuerySource, type TableVersion } from './query-catalog.js';
import type { MentionedTable } from './statement-analysis.js';
import { travelIndex, versionOf, type TravelledTable, type VersionRequest } from './time-travel.js';

/** Something a statement reads, as it will be named in the engine. */
export type Relation = { readonly namespace: string; readonly name: string } & (
  | { readonly kind: 'table'; readonly label: string; readonly version: TableVersion }
  | { readonly kind: 'view'; readonly sql: string }
  /** Small contents made from metadata, as a SELECT. */
  | { readonly kind: 'values'; readonly sql: string }
);

export interface ResolveContext {
  readonly source: QuerySource;
  readonly dialect: Dialect;
  readonly connection: DuckConnection;
  readonly defaultNamespace: string;
  /** State that tables without their own FOR … AS OF are read at. */
  readonly at: VersionRequest | undefined;
  /** See `QueryOptions`; views see it, too. */
  readonly scheduledTime: number;
}

/** All relations of a statement, views after what they read. Throws ConfigError TABLE_MISSING, VIEW_CYCLE, SNAPSHOT_NOT_FOUND. */
export async function resolveRelations(select: PreparedSelect, context: ResolveContext): Promise<readonly Relation[]> {
  const found = new Map<string, Relation>();
  await resolveMentions(select, context.defaultNamespace, context, found, []);
  return [...found.values()];
}

async function resolveMentions(
  select: PreparedSelect,
  namespace: string,
  context: ResolveContext,
  found: Map<string, Relation>,
  viewPath: readonly string[],
): Promise<void> {
  for (const mention of select.mentions) {
    const index = travelIndex(mention.namespace);
    const travelled = index === undefined ? undefined : select.travelled.get(index);
    const ns = travelled ? (travelled.namespace ?? namespace) : (mention.namespace ?? namespace);
    const key = travelled ? `${mention.namespace}.${mention.name}` : `${ns}.${mention.name}`.toLowerCase();
    if (found.has(key)) continue;
    const relation = await resolveOne(mention, travelled, ns, select.sql, context, found, viewPath);
    if (relation) found.set(key, relation);
  }
}

async function resolveOne(
  mention: MentionedTable,
  travelled: TravelledTable | undefined,
  namespace: string,
  sql: SqlText,
  context: ResolveContext,
  found: Map<string, Relation>,
  viewPath: readonly string[],
): Promise<Relation | undefined> {
  const { source } = context;
  if (mention.namespace === INFORMATION_SCHEMA) {
    const shown = tableOfColumns(mention.name);
    if (shown) return shownColumns(mention, shown, sql, source);
    const select = await informationTable(mention.name.toLowerCase(), source);
    if (select === undefined)
      throw invalidSql(sql, mention.at, `information_schema.${mention.name} does not exist`, 'there are schemata, tables, columns and views');
    return { kind: 'values', namespace: INFORMATION_SCHEMA, name: mention.name, sql: select };
  }
  const dollar = mention.name.indexOf('$');
  if (dollar > 0) return metadataRelation(mention, namespace, dollar, sql, context);
  const hit = await findRelation(source, namespace, mention.name);
  if (!hit) {
    if (mention.maybeCte) return undefined;
    throw await tableNotFound(mention, namespace, sql, source);
  }
  const label = `${hit.namespace}.${hit.name}`;
  const place = { namespace: travelled ? (mention.namespace ?? '') : hit.namespace, name: hit.name };
  if (hit.kind === 'table') {
    const request = travelled?.version ?? context.at;
    const version = request ? versionOf(label, hit.metadata, request, await timeOf(request, context, sql, mention.at)) : currentVersion(hit.metadata);
    return { ...place, kind: 'table', label, version };
  }
  if (travelled)
    throw invalidSql(sql, mention.at, `${label} is a view: FOR … AS OF works on tables only`, 'write it behind the tables within the view');
  if (viewPath.includes(label))
    throw new ConfigError({
      code: 'VIEW_CYCLE',
      message: `the view ${label} reads itself: ${[...viewPath, label].join(' → ')}`,
      hint: 'change one of these views with CREATE OR REPLACE VIEW',
    });
  const inner = await prepareSelect(context.connection, context.dialect, hit.view.sql, {
    qualifyWith: hit.namespace,
    scheduledTime: context.scheduledTime,
    firstTravel: (viewPath.length + 1) * 10_000 + found.size * 100,
  });
  await resolveMentions(inner, hit.namespace, context, found, [...viewPath, label]);
  return { ...place, kind: 'view', sql: inner.sql.text };
}

/** What `SHOW COLUMNS FROM` reads; its error names the start of the statement, since the text behind was rewritten. */
async function shownColumns(
  mention: MentionedTable,
  [namespace, name]: readonly [string, string],
  sql: SqlText,
  source: QuerySource,
): Promise<Relation> {
  const hit = await findRelation(source, namespace, name);
  if (!hit) throw await tableNotFound({ ...mention, name, at: 0 }, namespace, sql, source);
  if (hit.kind === 'view')
    throw invalidSql(sql, 0, `${hit.namespace}.${hit.name} is a view`, `DESCRIBE ${hit.namespace}.${hit.name} gives its columns`);
  return { kind: 'values', namespace: INFORMATION_SCHEMA, name: mention.name, sql: tableColumns(hit, source.catalog.catalogName) };
}

async function metadataRelation(
  mention: MentionedTable,
  namespace: string,
  dollar: number,
  sql: SqlText,
  context: ResolveContext,
): Promise<Relation> {
  const base = mention.name.slice(0, dollar);
  const hit = await findRelation(context.source, namespace, base);
  if (hit?.kind !== 'table') throw await tableNotFound({ ...mention, name: base }, namespace, sql, context.source);
  const select = await metadataTable(mention.name.slice(dollar + 1).toLowerCase(), hit.metadata, context.source.reader);
  if (select === undefined)
    throw invalidSql(
      sql,
      mention.at,
      `${hit.namespace}.${mention.name} does not exist`,
      'metadata tables: $snapshots, $history, $files, $manifests, $partitions, $refs, $properties',
    );
  return { kind: 'values', namespace: hit.namespace, name: mention.name, sql: select };
}

async function timeOf(request: VersionRequest, context: ResolveContext, sql: SqlText, at: number): Promise<number | undefined> {
  if (request.kind !== 'time') return undefined;
  const rows = await context.connection.rows(`SELECT epoch_ms(TRY_CAST(${quoteLiteral(request.text)} AS TIMESTAMPTZ)) AS ms`);
  const millis = rows[0]?.['ms'];
  if (millis === null || millis === undefined)
    throw invalidSql(
      sql,
      at,
      `cannot read the time ${JSON.stringify(request.text)}`,
      "write it as '2024-01-31 12:00:00' (UTC) or with an offset or zone",
    );
  return Number(millis);
}

async function tableNotFound(mention: MentionedTable, namespace: string, sql: SqlText, source: QuerySource): Promise<ConfigError> {
  const [tables, views] = await Promise.all([source.catalog.listTables(), source.catalog.listViews()]);
  const foreign = tables.find((t) => !isTable(t) && t.namespace === namespace && t.name === mention.name);
  if (foreign)
    return new ConfigError({
      code: 'FOREIGN_VIEW',
      message: `${namespace}.${mention.name} is a view that another engine made`,
      hint: 'query it there, or make a view of your own with CREATE VIEW',
    });
  const known = [...tables, ...views].map((t) => `${t.namespace}.${t.name}`);
  const similar = similarNames(`${namespace}.${mention.name}`, known);
  const where = sql.place(mention.at);
  return new ConfigError({
    code: 'TABLE_MISSING',
    message: `line ${where.line}:${where.column}: the warehouse has no table or view ${namespace}.${mention.name}`,
    hint:
      similar.length > 0
        ? `did you mean ${similar.join(' or ')}?`
        : known.length === 0
          ? 'the warehouse is empty: load something with sluice load FILE --into db.table'
          : 'sluice tables lists all tables',
    where,
  });
}

/** Whether a relation is the table `shop.orders` as it is now: not an earlier version of it, which has the same label. */
export function isCurrent(relation: Relation, label: string | undefined): boolean {
  return relation.kind === 'table' && relation.label === label && travelIndex(relation.namespace) === undefined;
}

/** `"ns"."name"` of a relation in the engine. */
export function engineName(relation: { readonly namespace: string; readonly name: string }): string {
  return `${quoteIdentifier(engineNamespace(relation.namespace))}.${quoteIdentifier(relation.name)}`;
}
