import { ConfigError } from '../../core/spi/index.js';
import { REJECTS_NAMESPACE, REJECTS_SUFFIX } from '../catalog/table-name.js';
import type { QuerySource } from './query-catalog.js';
import type { QueryAccess } from './query-options.js';

/** Whether a table or view may be seen. Names are judged as the catalog has them. */
export function mayAccess(access: QueryAccess, namespace: string, name: string): boolean {
  if (access.databases !== undefined && !access.databases.includes(namespace)) return false;
  return access.rejects || !(namespace === REJECTS_NAMESPACE || name.endsWith(REJECTS_SUFFIX));
}

/**
 * The same warehouse in which what `access` does not grant does not exist: not for names in statements, views, metadata tables,
 * information_schema, nor the suggestions of errors. A view reads with the rights of who asks: its tables must be granted, too.
 */
export function restrictSource(source: QuerySource, access: QueryAccess | undefined): QuerySource {
  if (access === undefined) return source;
  const { catalog } = source;
  const visible = ({ namespace, name }: { readonly namespace: string; readonly name: string }): boolean => mayAccess(access, namespace, name);
  return {
    ...source,
    catalog: {
      catalogName: catalog.catalogName,
      async listNamespaces() {
        const names = await catalog.listNamespaces();
        return names.filter((name) => mayAccess(access, name, ''));
      },
      listTables: async (namespace) => (await catalog.listTables(namespace)).filter(visible),
      listViews: async () => (await catalog.listViews()).filter(visible),
      getTable: (namespace, name) => (visible({ namespace, name }) ? catalog.getTable(namespace, name) : Promise.resolve(undefined)),
      getView: (namespace, name) => (visible({ namespace, name }) ? catalog.getView(namespace, name) : Promise.resolve(undefined)),
    },
  };
}

/** Refuses a write to what is not granted, before the warehouse is asked whether it exists. */
export function checkTarget(access: QueryAccess | undefined, namespace: string, name: string): void {
  if (access === undefined || mayAccess(access, namespace, name)) return;
  throw new ConfigError({
    code: 'ACCESS_DENIED',
    message: `${namespace}.${name}: no access to this table`,
    hint: access.databases === undefined ? 'rejects need the scope rejects' : `databases granted: ${access.databases.join(', ') || 'none'}`,
  });
}
