import { SluiceError } from '../../core/spi/index.js';
import { columnTypeOf, duckTypeOf } from '../table/types.js';
import { currentSchema, type TableMetadata } from '../table/model.js';
import { isTable, type FoundRelation, type QuerySource } from './query-catalog.js';
import { valuesSql, type CellValue } from './values-sql.js';

/** `information_schema` under a name that DuckDB does not reserve. */
export const INFORMATION_SCHEMA = '__information_schema';

const COLUMNS_OF = 'columns of ';

/** The name that `SHOW COLUMNS FROM shop.orders` reads: unlike `information_schema.columns` it asks that the table be there. */
export function columnsOf(name: readonly string[]): string {
  return `${COLUMNS_OF}${JSON.stringify(name)}`;
}

/** Namespace and name behind {@link columnsOf}. */
export function tableOfColumns(name: string): readonly [namespace: string, name: string] | undefined {
  return name.startsWith(COLUMNS_OF) ? (JSON.parse(name.slice(COLUMNS_OF.length)) as [string, string]) : undefined;
}

const NAME = [
  ['table_catalog', 'VARCHAR'],
  ['table_schema', 'VARCHAR'],
  ['table_name', 'VARCHAR'],
] as const;

const COLUMNS = [
  ...NAME,
  ['column_name', 'VARCHAR'],
  ['ordinal_position', 'BIGINT'],
  ['column_default', 'VARCHAR'],
  ['is_nullable', 'VARCHAR'],
  ['data_type', 'VARCHAR'],
  ['column_type', 'VARCHAR'],
] as const;

/** SELECT for the columns of one table. */
export function tableColumns(table: Extract<FoundRelation, { kind: 'table' }>, catalog: string): string {
  return valuesSql(COLUMNS, columnsIn(catalog, table.namespace, table.name, table.metadata));
}

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
      return valuesSql(COLUMNS, await columnRows(source));
    default:
      return undefined;
  }
}

/** What says that this table alone cannot be read. */
const DAMAGE: readonly string[] = ['METADATA_DAMAGED', 'OBJECT_MISSING'];

/** A damaged table has no columns here, but hides none of the others; it says what is wrong when it is asked itself. */
async function columnRows(source: QuerySource): Promise<CellValue[][]> {
  const rows: CellValue[][] = [];
  for (const { namespace, name, metadataLocation } of (await source.catalog.listTables()).filter(isTable)) {
    try {
      rows.push(...columnsIn(source.catalog.catalogName, namespace, name, await source.reader.metadata(metadataLocation)));
    } catch (error) {
      if (!(error instanceof SluiceError && DAMAGE.includes(error.code))) throw error;
    }
  }
  return rows;
}

function columnsIn(catalog: string, namespace: string, name: string, table: TableMetadata): CellValue[][] {
  return currentSchema(table).fields.map((f, i) => [
    catalog,
    namespace,
    name,
    f.name,
    i + 1,
    null,
    f.required ? 'NO' : 'YES',
    duckTypeOf(f.type),
    columnTypeOf(f) ?? null,
  ]);
}
