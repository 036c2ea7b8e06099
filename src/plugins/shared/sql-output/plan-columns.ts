import { ConfigError, didYouMean, ownValue, type Column, type ConfigPlace, type RowRefusal, type Schema } from '../../../core/spi/index.js';
import { fitOf, refusalsOf } from './fit.js';
import type { TargetColumn, TargetTable } from './target-column.js';
import type { TableOutputConfig, WriteMode } from './schema.js';
import { writtenValue, type WrittenValue } from './written-value.js';

/** One column on its way: from the load's into the table's. Plain JSON. */
export interface PlannedTargetColumn {
  readonly source: Column;
  readonly target: TargetColumn;
  /** What is sent for it. */
  readonly written: WrittenValue;
  /** The table lacks it so far. */
  readonly isNew: boolean;
}

export interface ColumnPlan {
  readonly columns: readonly PlannedTargetColumn[];
  readonly refusals: readonly RowRefusal[];
  /** One sentence each. */
  readonly changes: readonly string[];
}

/** What a type becomes in a table that is made or widened. `keys`: how many columns the primary key has that this one is part of, else 0. */
export type MakeColumn = (column: Column, sqlType: string | undefined, keys: number) => TargetColumn;

export interface ColumnQuestion {
  readonly config: Pick<TableOutputConfig, 'schema_evolution' | 'column_options' | 'default_timezone' | 'keys' | 'merge_keys'>;
  readonly mode: WriteMode;
  readonly schema: Schema;
  readonly table: TargetTable | undefined;
  /** For people. */
  readonly name: string;
  readonly make: MakeColumn;
  readonly place: ConfigPlace;
}

/** Matches the load's columns with the table's, and finds the values that would be changed on the way. */
export function planColumns(question: ColumnQuestion): ColumnPlan {
  const { config, mode, schema, table, name, make, place } = question;
  checkOptions(question);
  const keys = (mode === 'merge' && !table && (config.keys ?? config.merge_keys)) || [];
  const planned = (source: Column, target: TargetColumn, isNew: boolean): PlannedTargetColumn => ({
    source,
    target,
    written: writtenValue(source, target, config, place),
    isNew,
  });
  const made = (column: Column): PlannedTargetColumn => {
    const option = ownValue(config.column_options, column.name) ?? {};
    // A value that is written as text needs a column for text.
    const type = option.type === undefined && isText(option.value_type) && column.type !== 'binary' ? 'string' : column.type;
    return planned(column, make({ ...column, type }, option.type, keys.includes(column.name) ? keys.length : 0), true);
  };
  const columns = schema.map((source): PlannedTargetColumn => {
    const found = table && mode !== 'replace' ? findColumn(table.columns, source.name) : undefined;
    const kept = table && mode === 'replace' ? findColumn(table.columns, source.name) : undefined;
    if (kept) {
      const fresh = made(source);
      if (sameType(kept, fresh.target) || fitsIndex(kept, fresh.target)) return planned(source, kept, false);
      return { ...fresh, target: { ...fresh.target, nullable: kept.nullable } };
    }
    return found ? planned(source, found, false) : made(source);
  });
  if (table && mode !== 'replace') {
    refuseMissing(question, columns);
    refuseUnfilled(question, table, columns);
  }
  const fits = columns.map(({ source, target, written }) => ({ column: source, fit: fitOf(source, target, written) }));
  const impossible = fits.flatMap(({ fit }) => ('impossible' in fit ? [fit.impossible] : []));
  if (impossible.length > 0) {
    throw new ConfigError({
      code: 'TARGET_TYPES',
      message: `${name}: ${impossible.join('; ')}`,
      hint: 'convert the columns with a filter, change the table, or write another table',
      where: place.at('table'),
    });
  }
  const generated = columns.filter(({ target }) => target.generated).map(({ target }) => target.name);
  if (generated.length > 0) {
    throw new ConfigError({
      code: 'TARGET_GENERATED',
      message: `${name}: the table computes ${generated.join(', ')} itself, so the load cannot write it`,
      hint: 'leave it out with the filter remove_columns',
      where: place.at('table'),
    });
  }
  const changes = !table
    ? [`${name} is new: ${columns.map(({ target }) => `${target.name} ${target.sqlType}`).join(', ')}`]
    : mode === 'replace'
      ? replaced(table, columns)
      : columns.filter((c) => c.isNew).map(({ target }) => `column ${target.name} ${target.sqlType} is added`);
  return { columns, refusals: refusalsOf(fits), changes };
}

export function findColumn(columns: readonly TargetColumn[], name: string): TargetColumn | undefined {
  const exact = columns.find((column) => column.name === name);
  if (exact) return exact;
  const alike = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  return alike.length === 1 ? alike[0] : undefined;
}

function isText(valueType: string | undefined): boolean {
  return valueType === 'string' || valueType === 'nstring';
}

function sameType(a: TargetColumn, b: TargetColumn): boolean {
  return JSON.stringify(a.family) === JSON.stringify(b.family) && !a.generated;
}

/** Its index would refuse the type that the load would give it. */
function fitsIndex(kept: TargetColumn, fresh: TargetColumn): boolean {
  return kept.bounded === true && !kept.generated && kept.family.kind === 'text' && fresh.family.kind === 'text';
}

function replaced(table: TargetTable, columns: readonly PlannedTargetColumn[]): readonly string[] {
  const gone = table.columns.filter((old) => !columns.some(({ target }) => target.name === old.name));
  const added = columns.filter(({ isNew, target }) => isNew && !table.columns.some((old) => old.name === target.name));
  const changed = columns.filter(({ isNew, target }) => isNew && table.columns.some((old) => old.name === target.name));
  return [
    ...gone.map(({ name }) => `column ${name} is dropped`),
    ...added.map(({ target }) => `column ${target.name} ${target.sqlType} is added`),
    ...changed.map(({ target }) => `column ${target.name} becomes ${target.sqlType}`),
  ];
}

function refuseMissing({ config, table, name, place }: ColumnQuestion, columns: readonly PlannedTargetColumn[]): void {
  const missing = columns.filter((column) => column.isNew).map(({ source }) => source.name);
  if (missing.length === 0 || config.schema_evolution === 'add' || !table) return;
  const [first = ''] = missing;
  throw new ConfigError({
    code: 'TARGET_COLUMNS_MISSING',
    message: `${name}: the table has no column ${missing.join(', ')}${didYouMean(
      first,
      table.columns.map((column) => column.name),
    )}`,
    hint: 'set schema_evolution: add to have them added, rename them, or leave them out with the filter remove_columns',
    where: place.at('table'),
  });
}

function refuseUnfilled({ name, place }: ColumnQuestion, table: TargetTable, columns: readonly PlannedTargetColumn[]): void {
  const unfilled = table.columns.filter(
    (column) => !column.nullable && !column.hasDefault && !column.generated && !columns.some(({ target }) => target.name === column.name),
  );
  if (unfilled.length === 0) return;
  throw new ConfigError({
    code: 'TARGET_COLUMNS_UNFILLED',
    message: `${name}: the load gives no value for ${unfilled.map((column) => column.name).join(', ')}, which must not be NULL`,
    hint: 'add the column to the load, or give it a default in the table',
    where: place.at('table'),
  });
}

function checkOptions({ config, schema, place }: ColumnQuestion): void {
  for (const name of Object.keys(config.column_options)) {
    if (schema.some((column) => column.name === name)) continue;
    throw new ConfigError({
      code: 'TARGET_COLUMN_OPTION',
      message: `column_options: the load has no column ${name}${didYouMean(
        name,
        schema.map((column) => column.name),
      )}`,
      hint: 'name a column as it is after the filters',
      where: place.at(`column_options.${name}`),
    });
  }
}
