import { optionalText, sqlOf, textOf } from './connection.js';
import type { OpenTransaction, SqlReader, SqlRow } from './connection.js';
import type { CatalogStore, ViewRecord } from './types.js';

type ViewCalls = Pick<CatalogStore, 'putView' | 'getView' | 'listViews' | 'deleteView'>;

const MATCH = 'catalog_name = $1 AND namespace = $2 AND name = $3';

/** Our own views. `claimName` locks a name and tells whether no catalog row has it. */
export function createViews(
  reader: SqlReader,
  catalogName: string,
  claimName: (tx: OpenTransaction, namespace: string, name: string) => Promise<boolean>,
): ViewCalls {
  return {
    putView: async (transaction, view, replace) => {
      const tx = sqlOf(transaction);
      if (!(await claimName(tx, view.namespace, view.name))) return false;
      const clash = replace ? 'DO UPDATE SET sql = excluded.sql, dialect = excluded.dialect, comment = excluded.comment' : 'DO NOTHING';
      const stored = await tx.run(
        `INSERT INTO sluice_views (catalog_name, namespace, name, sql, dialect, comment) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (catalog_name, namespace, name) ${clash}`,
        [catalogName, view.namespace, view.name, view.sql, view.dialect, view.comment],
      );
      return stored === 1;
    },
    getView: async (namespace, name) => {
      const row = await reader.get(`SELECT * FROM sluice_views WHERE ${MATCH}`, [catalogName, namespace, name]);
      return row === undefined ? undefined : viewOf(row);
    },
    listViews: async () =>
      (await reader.all('SELECT * FROM sluice_views WHERE catalog_name = $1 ORDER BY namespace, name', [catalogName])).map(viewOf),
    deleteView: async (tx, namespace, name) => (await sqlOf(tx).run(`DELETE FROM sluice_views WHERE ${MATCH}`, [catalogName, namespace, name])) === 1,
  };
}

function viewOf(row: SqlRow): ViewRecord {
  return {
    namespace: textOf(row, 'namespace'),
    name: textOf(row, 'name'),
    sql: textOf(row, 'sql'),
    dialect: textOf(row, 'dialect'),
    comment: optionalText(row, 'comment'),
  };
}
