import type { Comparison, Predicate } from '../../core/duckdb/plan-filters.js';
import type { Value } from '../table/model.js';
import { orderValues, literalValue } from './literal-values.js';

/** What is known about one column's values, or about a transform of them, in one file or one manifest. */
export interface ValueRange {
  /** Bounds of the values that are neither NULL nor NaN; undefined: not known. */
  readonly lower: Value | undefined;
  readonly upper: Value | undefined;
  readonly mayHoldNull: boolean;
  /** False when every value is NULL. */
  readonly mayHoldValue: boolean;
  /** DuckDB sorts NaN above all numbers, and bounds leave NaN out. */
  readonly mayHoldNan: boolean;
  /**
   * Maps a constant onto what `lower` and `upper` bound: undefined means identity. Monotone transforms keep order, but not
   * strictly (`x > c` only gives `t(x) >= t(c)`).
   */
  readonly transform: { readonly apply: (value: Value) => Value | undefined; readonly monotone: boolean } | undefined;
}

/** A predicate with constants of the column's type. `undefined` matches everything. */
export type FileFilter = TypedPredicate | undefined;

export type TypedPredicate =
  | { readonly kind: 'compare'; readonly field: number; readonly op: Comparison; readonly value: Value }
  | { readonly kind: 'in'; readonly field: number; readonly values: readonly Value[] }
  | { readonly kind: 'null'; readonly field: number; readonly isNull: boolean }
  | { readonly kind: 'and' | 'or'; readonly items: readonly TypedPredicate[] };

/** Types a conjunction of plan predicates. `typeOf` gives a field's Iceberg type, undefined for nested ones. */
export function compileFilter(predicates: readonly Predicate[], typeOf: (field: number) => string | undefined): FileFilter {
  return compile({ kind: 'and', items: predicates }, typeOf);
}

function compile(predicate: Predicate, typeOf: (field: number) => string | undefined): FileFilter {
  switch (predicate.kind) {
    case 'unknown':
      return undefined;
    case 'null':
      return typeOf(predicate.field) === undefined ? undefined : predicate;
    case 'compare': {
      const type = typeOf(predicate.field);
      const value = type === undefined ? undefined : literalValue(type, predicate.value);
      return value === undefined ? undefined : { kind: 'compare', field: predicate.field, op: predicate.op, value };
    }
    case 'in': {
      const type = typeOf(predicate.field);
      const values = type === undefined ? [undefined] : predicate.values.map((v) => literalValue(type, v));
      return values.some((v) => v === undefined) ? undefined : { kind: 'in', field: predicate.field, values: values as Value[] };
    }
    case 'and': {
      const items = predicate.items.map((p) => compile(p, typeOf)).filter((p) => p !== undefined);
      return items.length === 0 ? undefined : { kind: 'and', items };
    }
    case 'or': {
      const items = predicate.items.map((p) => compile(p, typeOf));
      return items.some((p) => p === undefined) ? undefined : { kind: 'or', items: items as TypedPredicate[] };
    }
  }
}

/** Whether rows that satisfy the filter may exist where every range of a field holds at once. */
export function mayMatch(filter: FileFilter, rangesOf: (field: number) => readonly ValueRange[]): boolean {
  if (filter === undefined) return true;
  switch (filter.kind) {
    case 'and':
      return filter.items.every((item) => mayMatch(item, rangesOf));
    case 'or':
      return filter.items.some((item) => mayMatch(item, rangesOf));
    case 'null':
      return rangesOf(filter.field).every((range) => (filter.isNull ? range.mayHoldNull : range.mayHoldValue));
    case 'compare':
      return rangesOf(filter.field).every((range) => comparisonMayHold(range, filter.op, filter.value));
    case 'in':
      // Value by value, so that a constant must fit the partition and the bounds alike.
      return filter.values.some((value) => rangesOf(filter.field).every((range) => comparisonMayHold(range, '=', value)));
  }
}

function comparisonMayHold(range: ValueRange, op: Comparison, constant: Value): boolean {
  if (!range.mayHoldValue) return false;
  const { transform } = range;
  const value = transform ? transform.apply(constant) : constant;
  if (value === undefined || (transform && !transform.monotone && op !== '=')) return true;
  const strict = !transform;
  const { lower, upper } = range;
  const fitsBelow = (orEqual: boolean): boolean => lower === undefined || (orEqual ? orderValues(lower, value) <= 0 : orderValues(lower, value) < 0);
  const fitsAbove = (orEqual: boolean): boolean => upper === undefined || (orEqual ? orderValues(upper, value) >= 0 : orderValues(upper, value) > 0);
  switch (op) {
    case '=':
      return fitsBelow(true) && fitsAbove(true);
    case '<':
      return fitsBelow(!strict);
    case '<=':
      return fitsBelow(true);
    case '>':
      return range.mayHoldNan || fitsAbove(!strict);
    case '>=':
      return range.mayHoldNan || fitsAbove(true);
  }
}
