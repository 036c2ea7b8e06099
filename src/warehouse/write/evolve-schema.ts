import { ConfigError, decimalOf, type ColumnType } from '../../core/spi/index.js';
import type { NestedField, PrimitiveType } from '../table/model.js';
import { columnTypeOf, duckTypeOf, fieldOfColumn, holdsJson, icebergTypeOf } from '../table/types.js';
import type { PlannedColumn } from './write-plan.js';

export interface IncomingColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export interface EvolvedSchema {
  readonly fields: readonly NestedField[];
  readonly columns: readonly PlannedColumn[];
  readonly changes: readonly string[];
  /** Fields of the table that the relation does not have. */
  readonly missing: readonly string[];
}

/** Refuses reserved names and names that differ only by case. Errors: ConfigError COLUMN_NAME. */
export function checkColumnNames(columns: readonly IncomingColumn[]): void {
  if (columns.length === 0)
    throw new ConfigError({ code: 'COLUMN_NAME', message: 'the table would have no columns', hint: 'keep at least one column' });
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    if (name === '' || name.startsWith('__')) {
      throw new ConfigError({
        code: 'COLUMN_NAME',
        message: `the column name ${JSON.stringify(name)} is ${name === '' ? 'empty' : 'reserved'}`,
        hint: 'rename it with a rename filter; names that start with __ belong to Sluice',
      });
    }
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new ConfigError({
        code: 'COLUMN_NAME',
        message: `the columns ${JSON.stringify(other)} and ${JSON.stringify(name)} differ only by case`,
        hint: 'rename one of them with a rename filter',
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** Fits incoming columns to an existing table: adds what is new, widens along Iceberg's rules, refuses the rest. */
export function evolveSchema(
  table: string,
  existing: readonly NestedField[],
  lastColumnId: number,
  incoming: readonly IncomingColumn[],
  evolution: 'add' | 'strict',
): EvolvedSchema {
  const fields = [...existing];
  const columns: PlannedColumn[] = [];
  const changes: string[] = [];
  let nextId = lastColumnId + 1;
  for (const column of incoming) {
    const index = fields.findIndex((f) => f.name.toLowerCase() === column.name.toLowerCase());
    const field = fields[index];
    if (!field) {
      if (evolution === 'strict') throw newColumn(table, column, existing);
      const added = fieldOfColumn(column, nextId++);
      fields.push(added);
      columns.push(planColumn(column, added));
      changes.push(`${table}: new column ${column.name} ${column.type}`);
      continue;
    }
    const type = fitType(field, column.type);
    if (type === undefined || (type !== field.type && evolution === 'strict')) throw clash(table, field, column);
    const fitted = type === field.type ? field : { ...field, type };
    if (fitted !== field) {
      fields[index] = fitted;
      changes.push(`${table}: column ${field.name} widened from ${String(field.type)} to ${type}`);
    }
    columns.push(planColumn(column, fitted));
  }
  const written = new Set(columns.map((c) => c.id));
  const missing = fields.filter((f) => !written.has(f.id));
  const required = missing.find((f) => f.required);
  if (required) {
    throw new ConfigError({
      code: 'SCHEMA_CLASH',
      message: `${table}: the table's column ${required.name} is required, and the input has no such column`,
      hint: `add ${required.name} to the input, or make it optional with the engine that made the table`,
    });
  }
  return { fields, columns, changes, missing: missing.map((f) => f.name) };
}

/** The schema of a replaced table: a column that keeps its name and fits its old type keeps its id. */
export function replaceSchema(
  table: string,
  existing: readonly NestedField[],
  lastColumnId: number,
  incoming: readonly IncomingColumn[],
): EvolvedSchema {
  let nextId = lastColumnId + 1;
  const changes: string[] = [];
  const fields = incoming.map((column) => {
    const old = existing.find((f) => f.name === column.name);
    const type = icebergTypeOf(column.type);
    if (old && fitType(old, column.type) === type) {
      if (old.type !== type) changes.push(`${table}: column ${old.name} widened from ${String(old.type)} to ${type}`);
      return { ...fieldOfColumn(column, old.id) };
    }
    changes.push(
      old
        ? `${table}: column ${column.name} changes from ${describeField(old)} to ${column.type}`
        : `${table}: new column ${column.name} ${column.type}`,
    );
    return fieldOfColumn(column, nextId++);
  });
  for (const old of existing) if (!incoming.some((c) => c.name === old.name)) changes.push(`${table}: column ${old.name} goes`);
  return { fields, columns: incoming.map((column, i) => planColumn(column, fields[i] as NestedField)), changes, missing: [] };
}

function planColumn(column: IncomingColumn, field: NestedField): PlannedColumn {
  return { source: column.name, id: field.id, name: field.name, type: field.type as PrimitiveType, duckType: duckTypeOf(field.type) };
}

/** The type that a field must have to take a column of `incoming`: its own, a wider one, or undefined for a clash. */
function fitType(field: NestedField, incoming: ColumnType): PrimitiveType | undefined {
  if (typeof field.type !== 'string') return undefined;
  if (incoming === 'json') return field.type === 'string' ? field.type : undefined;
  // Text that is not JSON must not get into a column whose readers parse it.
  if (holdsJson(field)) return undefined;
  const type = icebergTypeOf(incoming);
  if (type === field.type) return field.type;
  if (field.type === 'int' && incoming === 'long') return 'long';
  if (field.type === 'float' && incoming === 'double') return 'double';
  const [have, want] = [decimalOf(field.type), decimalOf(incoming)];
  if (have && want && have.scale === want.scale) return have.precision >= want.precision ? field.type : type;
  return undefined;
}

function describeField(field: NestedField): string {
  return columnTypeOf(field) ?? (typeof field.type === 'string' ? field.type : field.type.type);
}

function newColumn(table: string, column: IncomingColumn, existing: readonly NestedField[]): ConfigError {
  return new ConfigError({
    code: 'SCHEMA_CLASH',
    message: `${table}: the input has a column ${column.name} (${column.type}), the table has ${existing.map((f) => f.name).join(', ')}`,
    hint: 'set schema_evolution: add, or remove the column with a remove_columns filter',
  });
}

function clash(table: string, field: NestedField, column: IncomingColumn): ConfigError {
  return new ConfigError({
    code: 'SCHEMA_CLASH',
    message: `${table}.${field.name}: the table has ${describeField(field)}, the input has ${column.type}`,
    hint: `cast the column to ${describeField(field)} in the config, give it another name, or load with mode: replace`,
  });
}
