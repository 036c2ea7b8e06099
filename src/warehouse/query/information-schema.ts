import { columnTypeOf, duckTypeOf } from '../table/types.js';
import { currentSchema } from '../table/model.js';
import { isTable, type QuerySource } from './query-catalog.js';
import { valuesSql, type CellValue } from './values-sql.js';

/** `information_schema` under a name that DuckDB does not reserve. */
export const INFORMATION_SCHEMA = '__information_schema';

const NAME = [
  ['table_catalog', 'VARCHAR'],
  ['table_schema', 'VARCHAR'],
  ['table_name', 'VARCHAR'],
] as const;

/** SELECT for `information_schema.<name>`, from the catalog's rows; undefined when there is no such table. */
export async function informationTable(name: string, source: QuerySource): Promise<string | undefined> {
  const { catalog } = source;
  const own = catalog.catalogName;
  switch (name) {
    case 'schemata': {
      const namespaces = await catalog.listNamespaces();
      return valuesSql(
        [
          ['catalog_name', 'VARCHAR'],
          ['schema_name', 'VARCHAR'],
        ],
        namespaces.map((n) => [own, n]),
      );
    }
    case 'tables': {
      const [tables, views] = await Promise.all([catalog.listTables(), catalog.listViews()]);
      const rows = [
        ...tables.map((t) => [own, t.namespace, t.name, isTable(t) ? 'BASE TABLE' : 'VIEW']),
        ...views.map((v) => [own, v.namespace, v.name, 'VIEW']),
      ];
      return valuesSql([...NAME, ['table_type', 'VARCHAR']], rows);
    }
    case 'views':
      return valuesSql(
        [...NAME, ['view_definition', 'VARCHAR']],
        (await catalog.listViews()).map((v) => [own, v.namespace, v.name, v.sql]),
      );
    case 'columns':
      return valuesSql(
        [
          ...NAME,
          ['column_name', 'VARCHAR'],
          ['ordinal_position', 'BIGINT'],
          ['column_default', 'VARCHAR'],
          ['is_nullable', 'VARCHAR'],
          ['data_type', 'VARCHAR'],
          ['column_type', 'VARCHAR'],
        ],
        await columnRows(source),
      );
    default:
      return undefined;
  }
}

async function columnRows(source: QuerySource): Promise<CellValue[][]> {
  const rows: CellValue[][] = [];
  for (const pointer of await source.catalog.listTables()) {
    if (!isTable(pointer)) continue;
    const table = await source.reader.metadata(pointer.metadataLocation);
    currentSchema(table).fields.forEach((f, i) => {
      rows.push([
        source.catalog.catalogName,
        pointer.namespace,
        pointer.name,
        f.name,
        i + 1,
        null,
        f.required ? 'NO' : 'YES',
        duckTypeOf(f.type),
        columnTypeOf(f) ?? null,
      ]);
    });
  }
  return rows;
}
