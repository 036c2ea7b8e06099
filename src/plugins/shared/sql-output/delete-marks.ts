import { ConfigError, didYouMean, quoteIdentifier, type ConfigPlace, type RowRefusal, type Schema } from '../../../core/spi/index.js';
import type { TablePlan } from './table-plan.js';
import type { SpoolColumn } from './spool-lines.js';
import type { TargetColumn } from './target-column.js';
import type { WrittenValue } from './written-value.js';

/** The load's columns without the one that marks rows to delete. */
export function withoutMark(schema: Schema, name: string | undefined, place: ConfigPlace): Schema {
  if (name === undefined) return schema;
  const column = schema.find((each) => each.name === name);
  if (column?.type === 'boolean') return schema.filter((each) => each !== column);
  const names = schema.map((each) => each.name);
  throw new ConfigError({
    code: 'DELETE_COLUMN',
    message: `delete_column: ${column ? `${name} is ${column.type}, expected a boolean` : `there is no column ${name}${didYouMean(name, names)}`}`,
    hint: 'name a boolean column of the load, as it is after the filters',
    where: place.at('delete_column'),
  });
}

/** Of a row to delete only the keys matter. */
export function refusalsUnlessDeleted(refusals: readonly RowRefusal[], mark: string | undefined): readonly RowRefusal[] {
  return mark === undefined ? refusals : refusals.map((refusal) => ({ ...refusal, sql: `NOT ${isMarked(mark)} AND (${refusal.sql})` }));
}

/** The columns of the spool: those of the plan and, where rows may be deleted, the mark as 0 or 1. */
export function writtenColumns(
  { columns, keys, deleteColumn }: TablePlan,
  write: (value: WrittenValue, target: TargetColumn) => SpoolColumn,
): readonly SpoolColumn[] {
  const written = columns.map((column) => ({ ...write(column.written, column.target), isKey: keys.keys.includes(column.target.name) }));
  if (deleteColumn === undefined) return written;
  const marked = isMarked(deleteColumn);
  return [
    ...written.map(({ sql, text, isKey }) => ({ sql: isKey ? sql : `CASE WHEN NOT ${marked} THEN ${sql} END`, text })),
    { sql: `${marked}::INTEGER`, text: false },
  ];
}

function isMarked(name: string): string {
  return `coalesce(${quoteIdentifier(name)}, false)`;
}
