import { ConfigError } from '../../core/spi/index.js';
import { formatTableName, parseTableName, splitTableName } from '../catalog/table-name.js';
import { deleteRows } from './delete-rows.js';
import { openQueryEngine } from './query-engine.js';
import type { QueryOptions } from './query-options.js';
import { checkTarget } from './restrict-source.js';
import { qualify, type SqlOutcome, type SqlParts } from './sql-parts.js';
import { createTableAs, insertRows } from './write-rows.js';
import { parseStatement, type SqlStatement } from './write-statements.js';

/**
 * Runs one statement: a SELECT (answer with rows), or INSERT INTO … SELECT/VALUES, CREATE TABLE … AS, CREATE VIEW, DELETE FROM,
 * DROP TABLE, DROP VIEW. Only the SELECT or predicate within a write is ever run as SQL, locked; everything else is refused.
 */
export async function runSql(parts: SqlParts, text: string, options: QueryOptions = {}): Promise<SqlOutcome> {
  const statement = parseStatement(text);
  checkWrite(statement, options);
  switch (statement.kind) {
    case 'select':
      return { kind: 'rows', result: await parts.engine.query(text, options) };
    case 'insert':
      return insertRows(parts, statement, text, options);
    case 'create-table':
      return createTableAs(parts, statement, text, options);
    case 'create-view':
      return createView(parts, statement, options);
    case 'drop':
      return dropRelation(parts, statement, options);
    case 'delete':
      return deleteRows(parts, statement, text, options);
  }
}

function checkWrite(statement: SqlStatement, options: QueryOptions): void {
  if (statement.kind === 'select') return;
  if (statement.kind === 'delete' && (options.snapshot !== undefined || options.asOf !== undefined))
    throw new ConfigError({
      code: 'SQL_REFUSED',
      message: 'DELETE takes rows out of the table as it is now, not as of an earlier snapshot or time',
      hint: 'leave the snapshot or time out, or name it for a table within the condition: … FOR VERSION AS OF …',
    });
  const written = statement.kind === 'create-view' ? statement.view : statement.kind === 'drop' ? statement.name : statement.table;
  const { namespace, name } = splitTableName(qualify(written, options));
  checkTarget(options.access, namespace, name);
}

async function createView(parts: SqlParts, statement: Extract<SqlStatement, { kind: 'create-view' }>, options: QueryOptions): Promise<SqlOutcome> {
  const { metastore, reader, storage } = parts.warehouse;
  const name = parseTableName(qualify(statement.view, options));
  const label = formatTableName(name);
  const view = { ...name, sql: statement.select.trim(), dialect: 'duckdb', comment: null };
  const store = metastore.catalog;
  // Planned as if it existed, so that wrong text and a view that would read itself are found now.
  const trial = openQueryEngine(
    {
      reader,
      storage,
      catalog: {
        catalogName: store.catalogName,
        listNamespaces: () => store.listNamespaces(),
        listTables: () => store.listTables(),
        listViews: () => store.listViews(),
        getTable: (namespace, table) => store.getTable(namespace, table),
        getView: (namespace, table) =>
          namespace === name.namespace && table === name.name ? Promise.resolve(view) : store.getView(namespace, table),
      },
    },
    options,
  );
  try {
    await trial.explain(statement.select, { ...options, params: {}, namespace: name.namespace });
    await trial.explain(`SELECT * FROM "${name.namespace}"."${name.name}"`, { ...options, params: {} });
  } finally {
    await trial.close();
  }
  const stored = await metastore.transaction(async (tx) => {
    await store.createNamespace(tx, name.namespace);
    return store.putView(tx, view, statement.replace);
  });
  if (!stored) {
    const table = await store.getTable(name.namespace, name.name);
    throw new ConfigError({
      code: 'TABLE_EXISTS',
      message: `the name ${label} is taken by another ${table ? 'table' : 'view'}`,
      hint: table ? 'choose another name, or drop the table' : 'CREATE OR REPLACE VIEW changes a view',
    });
  }
  return { kind: 'done', message: `created the view ${label}`, rows: 0, facts: {} };
}

async function dropRelation(parts: SqlParts, statement: Extract<SqlStatement, { kind: 'drop' }>, options: QueryOptions): Promise<SqlOutcome> {
  const { catalog, metastore } = parts.warehouse;
  const label = qualify(statement.name, options);
  const name = splitTableName(label);
  const done = (message: string): SqlOutcome => ({ kind: 'done', message, rows: 0, facts: {} });
  if (statement.what === 'table') {
    if (statement.ifExists && !(await catalog.findTable(label))) return done(`there is no table ${label}`);
    if (await metastore.catalog.getView(name.namespace, name.name))
      throw new ConfigError({ code: 'TABLE_MISSING', message: `${label} is a view, not a table`, hint: `DROP VIEW ${label}` });
    await catalog.dropTable(label);
    return done(`dropped ${label}; sluice undrop ${label} brings it back`);
  }
  const gone = await metastore.transaction((tx) => metastore.catalog.deleteView(tx, name.namespace, name.name));
  if (!gone && !statement.ifExists) {
    const views = (await metastore.catalog.listViews()).map((v) => formatTableName(v));
    throw new ConfigError({
      code: 'VIEW_MISSING',
      message: `there is no view ${label}`,
      hint: views.length > 0 ? `views: ${views.slice(0, 10).join(', ')}` : 'there are no views',
    });
  }
  return done(gone ? `dropped the view ${label}` : `there is no view ${label}`);
}
