import { quoteIdentifier, quoteLiteral, BugError } from '../spi/index.js';
import type { Column, ExpandingFilter, RowFilter, RowRefusal, ScalarFunction, Schema, SourceColumn } from '../spi/index.js';
import { conversionSql, describeFailure, earlyCast, resolveFilterColumn } from './typing/index.js';

/**
 * One SELECT for a task: text columns are converted strictly, row-wise filters applied, and each row gets a status:
 * 0 = good, -(i+1) = dropped by filter i, n > 0 = rejected for `reasons[n-1]`. Rows are never removed by WHERE: a
 * predicate over converted columns would run every conversion twice (measured: 1.4 times the time), and dropped rows must be counted.
 */
export const STATUS = '__status';
const ORDINAL = '__ordinal';
const RAW = '__raw';

export interface RejectReason {
  readonly column: string | null;
  readonly reason: string;
}

export interface SelectPlan {
  readonly select: string;
  readonly schema: Schema;
  readonly reasons: readonly RejectReason[];
  readonly functions: readonly ScalarFunction[];
  /** Rows may multiply (explode), so ordinals of the relation are not those of the result. */
  readonly expands: boolean;
  /** Status of what the last filter rejects first. */
  readonly lastFilterStatus: number;
}

export type FusedFilter = RowFilter | ExpandingFilter;

export interface SelectSource {
  readonly from: string;
  readonly columns: readonly SourceColumn[];
  /** Constant text columns beside the relation's own (hive folders). */
  readonly constants?: readonly { readonly column: SourceColumn; readonly value: string | null }[];
}

export interface SelectOptions {
  /** Number of the first filter in the whole pipeline, for status codes. */
  readonly firstFilter?: number;
  /** Adds the 1-based position of the source row as `__ordinal`; DuckDB then reads in order. */
  readonly ordinal?: boolean;
  /** With `ordinal`: adds the source row as JSON text, `__raw`. */
  readonly raw?: boolean;
  /** Further columns of the relation that go along as they are. */
  readonly carry?: readonly string[];
  /** Compute only these reject codes: the others are known not to occur. Spares their conversions. */
  readonly onlyCodes?: ReadonlySet<number>;
}

/** Columns whose conversion may fail, in the order of their reject codes, which are the first ones: 1 and so on. */
export function convertedColumns(source: SelectSource): readonly SourceColumn[] {
  return [...source.columns, ...(source.constants ?? []).map((c) => c.column)].filter((column) => column.text && column.type !== 'string');
}

interface Stage {
  select: string;
  readonly schema: Schema;
}

export function buildSelect(source: SelectSource, filters: readonly FusedFilter[], options: SelectOptions = {}): SelectPlan {
  const reasons: RejectReason[] = [];
  const functions: ScalarFunction[] = [];
  const register = (reason: RejectReason): number => reasons.push(reason);
  const carried = [...(options.ordinal ? [ORDINAL, ...(options.raw ? [RAW] : [])] : []), ...(options.carry ?? [])];
  let stage = typedStage(source, register, carried, options.onlyCodes);
  let expands = false;
  let lastFilterStatus = 1;
  filters.forEach((filter, i) => {
    const number = (options.firstFilter ?? 0) + i;
    lastFilterStatus = reasons.length + 1;
    functions.push(...(filter.functions ?? []));
    if (filter.form === 'rows') {
      stage = rowStage(stage, filter, number, register, carried, options.onlyCodes);
    } else {
      expands = true;
      stage = expandingStage(stage, filter, number, register, carried);
    }
  });
  return { select: stage.select, schema: stage.schema, reasons, functions, expands, lastFilterStatus };
}

/** A target's own rules as the last filter of all. */
export function refusalsAsFilter(schema: Schema, refusals: readonly RowRefusal[] = []): readonly RowFilter[] {
  if (refusals.length === 0) return [];
  return [{ form: 'rows', columns: schema.map((c) => ({ ...c, sql: quoteIdentifier(c.name) })), rejectWhen: refusals }];
}

/** The SELECT over `__ordinal` and `__status` of rejected rows, to find where they came from. Without sorting the first come while DuckDB scans. */
export function buildLocate(
  source: SelectSource,
  filters: readonly FusedFilter[],
  codes: ReadonlySet<number>,
  options: { readonly firstFilter: number; readonly sorted: boolean },
): SelectPlan {
  const plan = buildSelect(source, filters, { ordinal: true, onlyCodes: codes, firstFilter: options.firstFilter });
  const order = options.sorted ? ` ORDER BY ${ORDINAL}` : '';
  return { ...plan, select: `SELECT ${ORDINAL}, ${STATUS} FROM (${plan.select}) WHERE ${STATUS} > 0${order}` };
}

/**
 * The rejected rows themselves, for sources that cannot tell the original text: `(ordinal, status, JSON of the source row)`. The
 * text comes along with its row: a second scan of a grouping query gives another order.
 */
export function buildLocateWithJson(source: SelectSource, filters: readonly FusedFilter[], firstFilter: number): SelectPlan {
  const plan = buildSelect(source, filters, { ordinal: true, raw: true, firstFilter });
  return { ...plan, select: `SELECT ${ORDINAL}, ${STATUS}, ${RAW} FROM (${plan.select}) WHERE ${STATUS} > 0 ORDER BY 1` };
}

function typedStage(
  source: SelectSource,
  register: (r: RejectReason) => number,
  carried: readonly string[],
  only: ReadonlySet<number> | undefined,
): Stage {
  const constants = new Map((source.constants ?? []).map((c) => [c.column.name, c.value]));
  const columns = [...source.columns, ...(source.constants ?? []).map((c) => c.column)];
  const early: string[] = [];
  const inner: string[] = [];
  const outer: string[] = [];
  const failures: string[] = [];
  columns.forEach((column, i) => {
    const value = constants.get(column.name);
    const ref = value === undefined ? quoteIdentifier(column.name) : value === null ? 'NULL::VARCHAR' : `${quoteLiteral(value)}::VARCHAR`;
    const name = quoteIdentifier(column.name);
    if (!column.text || column.type === 'string') {
      inner.push(`${ref} AS __v${i}`);
    } else {
      const code = register({ column: column.name, reason: describeFailure(column) });
      const cast = value === undefined ? earlyCast(ref, column) : undefined;
      if (cast !== undefined) early.push(`${cast} AS __c${i}`);
      inner.push(`${conversionSql(ref, column, cast === undefined ? undefined : `__c${i}`)} AS __v${i}`);
      if (!only || only.has(code)) {
        inner.push(`${ref} AS __t${i}`);
        failures.push(`WHEN __t${i} IS NOT NULL AND __v${i} IS NULL THEN ${code}`);
      }
    }
    outer.push(`__v${i} AS ${name}`);
  });
  // Numbered before anything else is computed: what the conversions become may reorder rows.
  const raw = carried.includes(RAW) ? `, ${rowAsJson(source)} AS ${RAW}` : '';
  const numbered = carried.includes(ORDINAL) ? `(SELECT *, row_number() OVER () AS ${ORDINAL}${raw} FROM ${source.from})` : source.from;
  const from = early.length > 0 ? `(SELECT *, ${early.join(', ')} FROM ${numbered})` : numbered;
  inner.push(...carried);
  const status = failures.length > 0 ? `CASE ${failures.join(' ')} ELSE 0 END` : '0';
  return {
    select: `SELECT ${[...outer, ...carried, `${status}::INTEGER AS ${STATUS}`].join(', ')} FROM (SELECT ${inner.join(', ')} FROM ${from})`,
    schema: columns.map(({ name, type }): Column => ({ name, type })),
  };
}

function rowAsJson({ columns }: SelectSource): string {
  return `json_object(${columns.map((c) => `${quoteLiteral(c.name)}, ${quoteIdentifier(c.name)}`).join(', ')})::VARCHAR`;
}

function rowStage(
  stage: Stage,
  filter: RowFilter,
  number: number,
  register: (r: RejectReason) => number,
  carried: readonly string[],
  only: ReadonlySet<number> | undefined,
): Stage {
  const columns = filter.columns.map((c) => ({ column: c, ...resolveFilterColumn(c, stage.schema) }));
  const schema = filter.columns.map(({ name, type }): Column => ({ name, type }));
  const cases: string[] = [];
  const add = (condition: string, reason: RejectReason): void => {
    const code = register(reason);
    if (!only || only.has(code)) cases.push(`WHEN ${condition} THEN ${code}`);
  };
  for (const { sql, column, reason } of [filter.rejectWhen ?? []].flat()) add(`coalesce((${sql}), false)`, { column, reason });
  columns.forEach(({ column, rejectNullWhen, reason }, i) => {
    if (rejectNullWhen !== undefined)
      add(`__o${i} IS NULL AND (${rejectNullWhen})`, { column: column.name, reason: reason ?? `not a ${column.type}` });
  });
  if (filter.keep !== undefined) cases.push(`WHEN NOT coalesce((${filter.keep}), false) THEN ${-(number + 1)}`);
  const outputs = columns.map(({ column }, i) => `__o${i} AS ${quoteIdentifier(column.name)}`);
  if (cases.length === 0) {
    const direct = columns.map(({ column, sql }) => `${sql} AS ${quoteIdentifier(column.name)}`);
    return { select: `SELECT ${[...direct, ...carried, STATUS].join(', ')} FROM (${stage.select})`, schema };
  }
  // Values first, in a subquery of their own: the status looks at input columns and at results by alias.
  const inner = columns.map(({ sql }, i) => `${sql} AS __o${i}`);
  const status = `CASE WHEN ${STATUS} <> 0 THEN ${STATUS} ${cases.join(' ')} ELSE 0 END`;
  return {
    select: `SELECT ${[...outputs, ...carried, `${status}::INTEGER AS ${STATUS}`].join(', ')} FROM (SELECT *, ${inner.join(', ')} FROM (${stage.select}))`,
    schema,
  };
}

/** Empty and NULL lists keep one row, which counts as filtered; further elements of a list count as added rows. */
function expandingStage(
  stage: Stage,
  filter: ExpandingFilter,
  number: number,
  register: (r: RejectReason) => number,
  carried: readonly string[],
): Stage {
  const list = `CASE WHEN ${STATUS} = 0 THEN (${filter.list}) END`;
  const exploded =
    `SELECT * EXCLUDE (__list), unnest(CASE WHEN coalesce(len(__list), 0) = 0 THEN [NULL] ELSE __list END) AS __element, ` +
    `CASE WHEN ${STATUS} <> 0 THEN ${STATUS} WHEN coalesce(len(__list), 0) = 0 THEN ${-(number + 1)} ELSE 0 END AS __expanded ` +
    `FROM (SELECT *, ${list} AS __list FROM (${stage.select}))`;
  const renamed = `SELECT * EXCLUDE (${STATUS}, __expanded), __expanded::INTEGER AS ${STATUS} FROM (${exploded})`;
  return rowStage({ select: renamed, schema: stage.schema }, { form: 'rows', columns: filter.columns }, number, register, carried, undefined);
}

/** Reads counts per status code back into their meaning. */
export function countStatuses(
  statuses: { readonly [status: string]: number },
  reasons: readonly RejectReason[],
): { filtered: number; rejected: number; /** Rejected rows of each code that occurred. */ codes: Map<number, number> } {
  let filtered = 0;
  let rejected = 0;
  const codes = new Map<number, number>();
  for (const [text, rows] of Object.entries(statuses)) {
    const code = Number(text);
    if (!Number.isInteger(code) || code === 0 || code > reasons.length)
      throw new BugError({ code: 'STATUS_UNKNOWN', message: `output reported rows of unknown status ${text}` });
    if (code < 0) filtered += rows;
    else {
      rejected += rows;
      codes.set(code, rows);
    }
  }
  return { filtered, rejected, codes };
}
