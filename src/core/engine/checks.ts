import {
  ConfigError,
  DataError,
  DUCKDB_CHECKS,
  didYouMean,
  type Check,
  type CheckDialect,
  type ColumnType,
  type JsonObject,
  type OutputPlan,
  type OutputPlugin,
  type Schema,
  type SqlConnection,
  type SqlValue,
} from '../spi/index.js';
import { isOutputList } from './many-outputs.js';
import type { CheckSpec } from './pipeline.js';

/** Rows at fault that are shown. */
const SHOWN = 5;
const SHOWN_CHARACTERS = 300;

/** Turns configured checks into questions. Errors: ConfigError CHECK_COLUMN, CHECK_UNSUPPORTED. */
export function compileChecks(
  specs: readonly CheckSpec[],
  schema: Schema,
  now: number,
  output: OutputPlugin,
  { tableColumns }: Pick<OutputPlan, 'tableColumns'>,
): readonly Check[] {
  return specs.map((spec) => {
    const { name, severity, type, given } = spec;
    const on = spec.on ?? (output.checksTable ? 'table' : 'load');
    if (on === 'table' && !output.checksTable) throw noTable(spec, output);
    for (const column of namesOf(given)) {
      // A table may have columns that this load does not touch; some servers take names in any case.
      if (on === 'table' && (tableColumns ?? [column]).some((name) => name.toLowerCase() === column.toLowerCase())) continue;
      if (on === 'load' && schema.some((each) => each.name === column)) continue;
      const names = on === 'table' && tableColumns ? tableColumns : schema.map((each) => each.name);
      throw new ConfigError({
        code: 'CHECK_COLUMN',
        message: `check ${name}: the ${on} has no column ${column}${didYouMean(column, names)}`,
        hint: on === 'load' ? 'name columns as they are after the filters' : `columns of the table: ${names.join(', ')}`,
        where: spec.place,
      });
    }
    const typeOf = (column: string): ColumnType => schema.find((each) => each.name === column)?.type ?? 'timestamp';
    return { name, on, severity, sql: (rows, dialect) => sqlOf(type, given, rows, dialect, now, typeOf) };
  });
}

function noTable({ name, place }: CheckSpec, output: OutputPlugin): ConfigError {
  const list = isOutputList(output);
  return new ConfigError({
    code: 'CHECK_UNSUPPORTED',
    message: list
      ? `check ${name}: the outputs of this list do not all commit together, so the tables cannot be asked before the first of them commits`
      : `check ${name}: the output ${output.type} has no table that could be asked before the commit`,
    hint: list
      ? 'use on: load; on: table goes with a list of warehouse tables alone'
      : 'use on: load, or check a table of the warehouse or of a database',
    where: place,
  });
}

/** Checks that ask for the load because nothing else can be asked, as a sentence for the plan. */
export function describeFallback(specs: readonly CheckSpec[], output: OutputPlugin): readonly string[] {
  const names = output.checksTable ? [] : specs.filter((spec) => spec.on === undefined).map((spec) => spec.name);
  return names.length === 0 ? [] : [`asked of the rows of this load, not of a table: ${names.map((name) => `check ${name}`).join(', ')}`];
}

function namesOf(given: JsonObject): readonly string[] {
  return [...((given['columns'] as readonly string[] | undefined) ?? []), ...(typeof given['column'] === 'string' ? [given['column']] : [])];
}

function sqlOf(type: string, given: JsonObject, rows: string, dialect: CheckDialect, now: number, typeOf: (column: string) => ColumnType): string {
  const q = (name: string): string => dialect.quoteIdentifier(name);
  const columns = namesOf(given).map(q);
  const [column = ''] = columns;
  switch (type) {
    case 'row_count': {
      const { min, max } = given;
      const wrong = [...(min === undefined ? [] : [`count(*) < ${Number(min)}`]), ...(max === undefined ? [] : [`count(*) > ${Number(max)}`])];
      return `SELECT count(*) AS ${q('rows')} FROM ${rows} HAVING ${wrong.join(' OR ')}`;
    }
    case 'not_null':
      return `SELECT * FROM ${rows} WHERE ${columns.map((each) => `${each} IS NULL`).join(' OR ')} LIMIT ${SHOWN}`;
    case 'unique':
      return `SELECT ${columns.join(', ')}, count(*) AS ${q('times')} FROM ${rows} GROUP BY ${columns.join(', ')} HAVING count(*) > 1 LIMIT ${SHOWN}`;
    case 'accepted_values': {
      const values = (given['values'] as readonly (string | number | boolean)[]).map((value) =>
        typeof value === 'string' ? dialect.quoteLiteral(value) : String(value),
      );
      return `SELECT ${column}, count(*) AS ${q('times')} FROM ${rows} WHERE ${column} NOT IN (${values.join(', ')}) GROUP BY ${column} LIMIT ${SHOWN}`;
    }
    case 'freshness': {
      const oldest = now - Number(given['max_age_secs']) * 1000;
      const limit = dialect.timeLiteral(oldest, typeOf(String(given['column'])));
      return `SELECT max(${column}) AS ${q('newest')} FROM ${rows} HAVING max(${column}) IS NULL OR max(${column}) < ${limit}`;
    }
    default: {
      const text = String(given['query'])
        .trim()
        .replace(/[;\s]+$/, '');
      return `SELECT * FROM (${text.replaceAll('{rows}', rows)}\n) AS ${q('sluice_check')} LIMIT ${SHOWN}`;
    }
  }
}

/** Says what a check found: an error, or a warning through `warn`. */
export function judgeCheck(
  check: Check,
  faults: readonly { readonly [column: string]: SqlValue }[],
  target: string,
  warn: (text: string) => void,
): void {
  if (faults.length === 0) return;
  const shown = faults.slice(0, SHOWN).map(describeRow).join('; ');
  const message = `${target}: check ${check.name} failed on ${check.on === 'load' ? 'the rows of this load' : 'the table as it would be'}: ${shown}`;
  if (check.severity === 'warn') return warn(message);
  throw new DataError({
    code: 'CHECK_FAILED',
    message,
    hint: 'nothing was committed; mend the data or the check and run again (severity: warn lets it pass with a note)',
  });
}

function describeRow(row: { readonly [column: string]: SqlValue }): string {
  const parts = Object.entries(row).map(
    ([name, value]) =>
      `${name} = ${value === null ? 'NULL' : typeof value === 'object' ? JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) : String(value)}`,
  );
  const text = parts.join(', ');
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** Asks the checks of the load. */
export async function checkLoad(
  checks: readonly Check[],
  rows: string,
  target: string,
  sql: SqlConnection,
  warn: (text: string) => void,
): Promise<void> {
  for (const check of checks.filter((each) => each.on === 'load')) {
    judgeCheck(check, await askCheck(check, rows, sql), target, warn);
  }
}

async function askCheck(check: Check, rows: string, sql: SqlConnection): Promise<readonly { readonly [column: string]: SqlValue }[]> {
  try {
    return await sql.rows(check.sql(rows, DUCKDB_CHECKS));
  } catch (cause) {
    throw new ConfigError({
      code: 'CHECK_SQL',
      message: `check ${check.name}: ${(cause as Error).message}`,
      hint: 'check its columns and its query',
      cause,
    });
  }
}
