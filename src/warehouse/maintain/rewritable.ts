import { currentSchema, type IcebergType, type NestedField, type TableMetadata } from '../table/model.js';
import { duckTypeOf, fixedLength } from '../table/types.js';

/** Property by which engines map files without field ids onto columns. */
const NAME_MAPPING = 'schema.name-mapping.default';

/**
 * Why rows of a table cannot be moved to other files and stay the same to the bit; undefined when they can. What reads wrong
 * today could be read right by a better reader tomorrow, but not once it is rewritten: so doubt means no.
 */
export function whyNotRewritable(table: TableMetadata): string | undefined {
  if (table['format-version'] !== 2) return `it has format version ${table['format-version']}`;
  if (table.properties[NAME_MAPPING] !== undefined) return `it maps columns by name (${NAME_MAPPING})`;
  const { fields } = currentSchema(table);
  return fields.length === 0 ? 'it has no column' : (sameNames(fields) ?? unwritable(fields) ?? changedNesting(table, fields));
}

/** DuckDB's names know no case. */
function sameNames(fields: readonly NestedField[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name.toLowerCase())) return `two columns differ only in the case of their name (${name})`;
    seen.add(name.toLowerCase());
  }
  return undefined;
}

function unwritable(fields: readonly NestedField[]): string | undefined {
  for (const field of fields) {
    const type = leafTypes(field.type).find((t) => fixedLength(t) !== undefined || !known(t));
    if (type !== undefined) return `the column ${field.name} holds the type ${type}, which cannot be written as it was`;
    const doubled = structsOf(field.type)
      .map(sameNames)
      .find((why) => why !== undefined);
    if (doubled !== undefined) return doubled;
  }
  return undefined;
}

function known(type: string): boolean {
  try {
    return duckTypeOf(type) !== '';
  } catch {
    // `duckTypeOf` throws for exactly the types that it does not know.
    return false;
  }
}

/** DuckDB finds top-level columns by field id, what is inside them by name and place. */
function changedNesting(table: TableMetadata, fields: readonly NestedField[]): string | undefined {
  for (const field of fields) {
    if (typeof field.type === 'string') continue;
    const shape = JSON.stringify(field.type);
    const earlier = table.schemas.flatMap((s) => s.fields).filter((f) => f.id === field.id);
    if (earlier.some((f) => JSON.stringify(f.type) !== shape)) return `the nested column ${field.name} changed its type`;
  }
  return undefined;
}

function children(type: Exclude<IcebergType, string>): readonly IcebergType[] {
  if (type.type === 'list') return [type.element];
  if (type.type === 'map') return [type.key, type.value];
  return type.fields.map((f) => f.type);
}

function leafTypes(type: IcebergType): readonly string[] {
  return typeof type === 'string' ? [type] : children(type).flatMap(leafTypes);
}

function structsOf(type: IcebergType): readonly (readonly NestedField[])[] {
  if (typeof type === 'string') return [];
  return [...(type.type === 'struct' ? [type.fields] : []), ...children(type).flatMap(structsOf)];
}
