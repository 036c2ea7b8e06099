import type { TablePointer } from '../../metastore/types.js';
import type { TableMetadata } from '../table/model.js';
import type { QuerySource } from './query-catalog.js';

/** The same warehouse with some tables at versions that nobody committed, by name (`shop.orders`). */
export function overlayTables(source: QuerySource, tables: ReadonlyMap<string, TableMetadata>): QuerySource {
  const { catalog, reader } = source;
  const prefix = 'uncommitted:';
  const metadataOf = (location: string): TableMetadata | undefined =>
    location.startsWith(prefix) ? tables.get(location.slice(prefix.length)) : undefined;
  const pointerOf = (label: string, namespace: string, name: string): TablePointer => ({
    namespace,
    name,
    metadataLocation: `${prefix}${label}`,
    previousMetadataLocation: null,
    icebergType: null,
  });
  const names = [...tables.keys()].map((label) => {
    const [namespace = '', ...name] = label.split('.');
    return { label, namespace, name: name.join('.') };
  });
  return {
    storage: source.storage,
    reader: {
      ...reader,
      async metadata(location) {
        return metadataOf(location) ?? reader.metadata(location);
      },
    },
    catalog: {
      catalogName: catalog.catalogName,
      listViews: () => catalog.listViews(),
      getView: (namespace, name) => catalog.getView(namespace, name),
      async listNamespaces() {
        return [...new Set([...(await catalog.listNamespaces()), ...names.map((n) => n.namespace)])];
      },
      async listTables() {
        const known = await catalog.listTables();
        const others = known.filter((t) => !tables.has(`${t.namespace}.${t.name}`));
        return [...others, ...names.map(({ label, namespace, name }) => pointerOf(label, namespace, name))];
      },
      async getTable(namespace, name) {
        const label = `${namespace}.${name}`;
        return tables.has(label) ? pointerOf(label, namespace, name) : catalog.getTable(namespace, name);
      },
    },
  };
}
