import type { CatalogStore, TablePointer, ViewRecord } from '../../metastore/types.js';
import type { Storage } from '../storage/storage.js';
import { currentSchema, currentSnapshot, type IcebergSchema, type Snapshot, type TableMetadata } from '../table/model.js';
import type { TableReader } from '../table/table-reader.js';

/** The parts of a warehouse that a query reads. */
export interface QuerySource {
  readonly catalog: Pick<CatalogStore, 'catalogName' | 'listNamespaces' | 'listTables' | 'listViews' | 'getTable' | 'getView'>;
  readonly reader: TableReader;
  readonly storage: Storage;
}

/** A table at one moment: which files, seen through which schema. */
export interface TableVersion {
  readonly table: TableMetadata;
  readonly snapshot: Snapshot | undefined;
  readonly schema: IcebergSchema;
}

/** The newest state: current schema (a rename makes no snapshot) over the current snapshot. */
export function currentVersion(table: TableMetadata): TableVersion {
  return { table, snapshot: currentSnapshot(table), schema: currentSchema(table) };
}

/** False for rows of other engines' views, whose metadata is no table's. */
export function isTable(pointer: TablePointer): boolean {
  return pointer.icebergType !== 'VIEW';
}

async function loadTable(source: QuerySource, namespace: string, name: string): Promise<TableMetadata | undefined> {
  const pointer = await source.catalog.getTable(namespace, name);
  return pointer && source.reader.metadata(pointer.metadataLocation);
}

/** A table or view under the name, tried as written and in lower case, as SQL compares names. */
export async function findRelation(source: QuerySource, namespace: string, name: string): Promise<FoundRelation | undefined> {
  const spellings = new Set([`${namespace}\0${name}`, `${namespace}\0${name.toLowerCase()}`, `${namespace.toLowerCase()}\0${name.toLowerCase()}`]);
  for (const spelling of spellings) {
    const [ns = '', table = ''] = spelling.split('\0');
    const metadata = await loadTable(source, ns, table);
    if (metadata) return { kind: 'table', namespace: ns, name: table, metadata };
    const view = await source.catalog.getView(ns, table);
    if (view) return { kind: 'view', namespace: ns, name: table, view };
  }
  return undefined;
}

export type FoundRelation =
  | { readonly kind: 'table'; readonly namespace: string; readonly name: string; readonly metadata: TableMetadata }
  | { readonly kind: 'view'; readonly namespace: string; readonly name: string; readonly view: ViewRecord };
