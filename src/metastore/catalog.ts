import type { StoreTransaction } from '../core/spi/index.js';
import { numberOf, optionalText, runForEach, insertRows, sqlOf, textOf } from './connection.js';
import type { Connection, OpenTransaction, SqlReader, SqlRow } from './connection.js';
import type { CatalogStore, TablePointer } from './types.js';
import { createViews } from './views.js';

/** Rows of other types, e.g. another engine's VIEW, are not ours to touch. */
const IS_TABLE = `(iceberg_type = 'TABLE' OR iceberg_type IS NULL)`;
const ROW_MATCH = 'catalog_name = $1 AND table_namespace = $2 AND table_name = $3';
const TAKEN_BY_ROW = `SELECT 1 AS taken FROM iceberg_tables WHERE ${ROW_MATCH}`;
const TAKEN_BY_VIEW = 'SELECT 1 AS taken FROM sluice_views WHERE catalog_name = $1 AND namespace = $2 AND name = $3';

/** The SQL catalog that other engines share (Iceberg's JDBC catalog), and what only we keep beside it. */
export function createCatalog(connection: Connection, catalogName: string): CatalogStore {
  const { reader, dialect } = connection;

  /** Tables and views lie in two tables of the database: this lock keeps one name from being taken in both. */
  const claimNames = async (tx: OpenTransaction, names: readonly (readonly [string, string])[]): Promise<void> => {
    const sorted = names.map(([namespace, name]) => JSON.stringify([catalogName, namespace, name])).sort();
    for (const name of sorted) await dialect.lockName(tx, name);
  };
  const isTaken = async (tx: SqlReader, namespace: string, name: string): Promise<boolean> => {
    const params = [catalogName, namespace, name];
    return (await tx.get(TAKEN_BY_ROW, params)) !== undefined || (await tx.get(TAKEN_BY_VIEW, params)) !== undefined;
  };

  return {
    catalogName,

    listNamespaces: async () => {
      const rows = await reader.all(
        `SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = $1
         UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = $1
         UNION SELECT namespace FROM sluice_views WHERE catalog_name = $1 ORDER BY 1`,
        [catalogName],
      );
      return rows.map((row) => textOf(row, 'namespace'));
    },

    createNamespace: async (tx, namespace) => {
      // The property by which Iceberg's JDBC catalog knows an empty namespace.
      await sqlOf(tx).run(
        `INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES ($1, $2, 'exists', 'true') ON CONFLICT DO NOTHING`,
        [catalogName, namespace],
      );
    },

    listTables: async (namespace) => {
      const params = namespace === undefined ? [catalogName] : [catalogName, namespace];
      const filter = namespace === undefined ? '' : ' AND table_namespace = $2';
      return (await reader.all(`SELECT * FROM iceberg_tables WHERE catalog_name = $1${filter} ORDER BY table_namespace, table_name`, params)).map(
        pointerOf,
      );
    },

    getTable: async (namespace, name, tx) => {
      const from: SqlReader = tx === undefined ? reader : sqlOf(tx);
      const row = await from.get(`SELECT * FROM iceberg_tables WHERE ${ROW_MATCH} AND ${IS_TABLE}`, [catalogName, namespace, name]);
      return row === undefined ? undefined : pointerOf(row);
    },

    insertTable: async (transaction, namespace, name, metadataLocation) => {
      const tx = sqlOf(transaction);
      await claimNames(tx, [[namespace, name]]);
      if (await isTaken(tx, namespace, name)) return false;
      // Another engine does not know our lock and may still be faster.
      const inserted = await tx.run(
        `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
         VALUES ($1, $2, $3, $4, NULL, 'TABLE') ON CONFLICT DO NOTHING`,
        [catalogName, namespace, name, metadataLocation],
      );
      return inserted === 1;
    },

    swapTable: async (tx, namespace, name, from, to) => {
      const sql = `UPDATE iceberg_tables SET metadata_location = $5, previous_metadata_location = $4 WHERE ${ROW_MATCH} AND metadata_location = $4 AND ${IS_TABLE}`;
      return (await sqlOf(tx).run(sql, [catalogName, namespace, name, from, to])) === 1;
    },

    deleteTable: async (tx, namespace, name, from) => {
      const sql = `DELETE FROM iceberg_tables WHERE ${ROW_MATCH} AND metadata_location = $4 AND ${IS_TABLE}`;
      return (await sqlOf(tx).run(sql, [catalogName, namespace, name, from])) === 1;
    },

    renameTable: async (transaction, from, to) => {
      const tx = sqlOf(transaction);
      await claimNames(tx, [
        [from.namespace, from.name],
        [to.namespace, to.name],
      ]);
      if (await isTaken(tx, to.namespace, to.name)) return false;
      const sql = `UPDATE iceberg_tables SET table_namespace = $4, table_name = $5 WHERE ${ROW_MATCH} AND ${IS_TABLE}`;
      return (await tx.run(sql, [catalogName, from.namespace, from.name, to.namespace, to.name])) === 1;
    },

    ...createViews(reader, catalogName, async (tx: OpenTransaction, namespace: string, name: string) => {
      await claimNames(tx, [[namespace, name]]);
      return (await tx.get(TAKEN_BY_ROW, [catalogName, namespace, name])) === undefined;
    }),
    ...createDropped(connection, catalogName),
    ...createGarbage(connection),
  };
}

function createDropped({ reader }: Connection, catalogName: string): Pick<CatalogStore, 'recordDropped' | 'listDropped' | 'forgetDropped'> {
  return {
    recordDropped: async (tx, table) => {
      await sqlOf(tx).run(
        `INSERT INTO sluice_dropped_tables (catalog_name, table_uuid, namespace, name, metadata_location, dropped_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (catalog_name, table_uuid) DO UPDATE SET namespace = excluded.namespace, name = excluded.name,
           metadata_location = excluded.metadata_location, dropped_at = excluded.dropped_at`,
        [catalogName, table.tableUuid, table.namespace, table.name, table.metadataLocation, table.droppedAt],
      );
    },
    listDropped: async () => {
      const rows = await reader.all('SELECT * FROM sluice_dropped_tables WHERE catalog_name = $1 ORDER BY dropped_at DESC, table_uuid', [
        catalogName,
      ]);
      return rows.map((row) => ({
        tableUuid: textOf(row, 'table_uuid'),
        namespace: textOf(row, 'namespace'),
        name: textOf(row, 'name'),
        metadataLocation: textOf(row, 'metadata_location'),
        droppedAt: numberOf(row, 'dropped_at'),
      }));
    },
    forgetDropped: async (tx, tableUuid) => {
      return (await sqlOf(tx).run('DELETE FROM sluice_dropped_tables WHERE catalog_name = $1 AND table_uuid = $2', [catalogName, tableUuid])) > 0;
    },
  };
}

function createGarbage(connection: Connection): Pick<CatalogStore, 'recordGarbage' | 'dueGarbage' | 'forgetGarbage'> {
  return {
    recordGarbage: async (tx: StoreTransaction, paths, notBefore) => {
      const rows = [...new Set(paths)].sort().map((path) => [path, notBefore]);
      // Whoever still needs a file longest decides.
      await insertRows(
        sqlOf(tx),
        'INSERT INTO sluice_garbage (path, not_before)',
        rows,
        `ON CONFLICT (path) DO UPDATE SET not_before = CASE WHEN excluded.not_before > sluice_garbage.not_before THEN excluded.not_before ELSE sluice_garbage.not_before END`,
      );
    },
    dueGarbage: async (now, limit) => {
      const rows = await connection.reader.all('SELECT path FROM sluice_garbage WHERE not_before <= $1 ORDER BY not_before, path LIMIT $2', [
        now,
        limit,
      ]);
      return rows.map((row) => textOf(row, 'path'));
    },
    forgetGarbage: (paths, transaction) => {
      const forget = (tx: OpenTransaction): Promise<number> => runForEach(tx, 'DELETE FROM sluice_garbage WHERE path IN (*)', [], paths);
      return transaction === undefined ? connection.transaction(forget) : forget(sqlOf(transaction));
    },
  };
}

function pointerOf(row: SqlRow): TablePointer {
  return {
    namespace: textOf(row, 'table_namespace'),
    name: textOf(row, 'table_name'),
    metadataLocation: optionalText(row, 'metadata_location') ?? '',
    previousMetadataLocation: optionalText(row, 'previous_metadata_location'),
    icebergType: optionalText(row, 'iceberg_type'),
  };
}
