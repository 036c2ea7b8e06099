import { DataError } from '../../core/spi/index.js';
import type { ReportTask } from './config.js';
import { isoDay, type PropertyClock } from './property-clock.js';
import { timeDigits, type ReportColumn, type ReportShape } from './report-shape.js';

export interface ApiRow {
  readonly dimensionValues?: readonly { readonly value?: string | null }[];
  readonly metricValues?: readonly { readonly value?: string | null }[];
}

export type RowReader = (row: ApiRow) => (string | null)[];

/** Turns the rows of one task's report into values for the columns; every value is text, converted by the engine. */
export function rowReader(columns: readonly ReportColumn[], shape: ReportShape, task: ReportTask, clock: PropertyClock): RowReader {
  const cells = columns.map((column) => cellReader(column, shape, task, clock));
  const [dimensions, metrics] = [shape.dimensions.length, shape.visible.length];
  return (row) => {
    const found = [row.dimensionValues?.length ?? 0, row.metricValues?.length ?? 0];
    if (found[0] !== dimensions || found[1] !== metrics) {
      throw new DataError({
        code: 'GA_ROW_WIDTH',
        message: `Google Analytics, ${taskName(task)}: expected ${dimensions} dimensions and ${metrics} metrics in each row, found ${found.join(' and ')}`,
        hint: 'run again; when it stays, please report it with the config',
      });
    }
    return cells.map((read) => read(row));
  };
}

export function taskName(task: ReportTask): string {
  return task.start === task.end ? task.start : `${task.start} to ${task.end}`;
}

function cellReader(column: ReportColumn, shape: ReportShape, task: ReportTask, clock: PropertyClock): (row: ApiRow) => string | null {
  const { index } = column;
  switch (column.from) {
    case 'range':
      return () => task.range ?? null;
    case 'metric':
      return (row) => row.metricValues?.[index]?.value ?? null;
    case 'time': {
      const at = shape.dimensions.findIndex(({ name, dimensionExpression }) => name === shape.time && dimensionExpression === undefined);
      return remembered((text) => startOf(text, task, clock), at);
    }
    case 'dimension': {
      const dimension = shape.dimensions[index];
      const digits = dimension?.dimensionExpression === undefined ? timeDigits(dimension?.name ?? '') : undefined;
      if (digits === undefined || column.type === 'string') return (row) => row.dimensionValues?.[index]?.value ?? null;
      return remembered((text) => (isDigits(text, digits) ? localText(text) : digits === 8 ? onlyDay(task) : null), index);
    }
  }
}

/** A page repeats few times in many rows. */
function remembered(convert: (text: string) => string | null, index: number): (row: ApiRow) => string | null {
  const known = new Map<string, string | null>();
  return (row) => {
    const text = row.dimensionValues?.[index]?.value ?? '';
    let value = known.get(text);
    if (value === undefined) known.set(text, (value = convert(text)));
    return value;
  };
}

function isDigits(text: string, count: number): boolean {
  return text.length === count && /^\d+$/.test(text);
}

/** `20240503`, `2024050317` or `202405031745` as a date or a local date and time. */
function localText(text: string): string {
  const day = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`;
  return text.length === 8 ? day : `${day} ${text.slice(8, 10)}:${text.slice(10, 12) || '00'}:00`;
}

/** A row such as `(other)` has no date of its own; when one day was asked for, it is of that day. */
function onlyDay(task: ReportTask): string | null {
  return task.start === task.end ? task.start : null;
}

/** The instant at which the row's minute, hour or day begins, in UTC. */
function startOf(text: string, task: ReportTask, clock: PropertyClock): string | null {
  const local = isDigits(text, 8) || isDigits(text, 10) || isDigits(text, 12) ? localText(text) : onlyDay(task);
  if (local === null) return null;
  const at = Date.parse(`${local.length === 10 ? `${local} 00:00:00` : local}Z`.replace(' ', 'T'));
  // Left to the engine, which rejects it with its reason.
  if (Number.isNaN(at) || isoDay(at) !== local.slice(0, 10)) return text;
  return new Date(clock.startOf(at)).toISOString().slice(0, 19).replace('T', ' ');
}
