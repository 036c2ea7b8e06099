import { createHash } from 'node:crypto';
import {
  defineFilter,
  type ExpandingFilter,
  type FilterColumn,
  type FilterPlanContext,
  type ScalarFunction,
  type Schema,
} from '../../core/spi/index.js';
import { assertDistinctNames, passColumn, requireColumn } from '../shared/filter-columns.js';
import { columnFromJson, columnTypeAt } from '../shared/json-columns.js';
import { loadFunction, type RowFunction } from './load-function.js';
import { argumentOf, FAILURE_MARK, textOfResult, type Argument } from './row-texts.js';
import { javascriptSchema, type JavascriptConfig } from './schema.js';

/** Different failures shown in the log; the rows themselves, which are read again to tell where they came from, are among the rejects. */
const LOGGED_FAILURES = 5;
const FAILED = 'starts_with(__element, chr(21))';

export default defineFilter<JavascriptConfig>({
  kind: 'filter',
  type: 'javascript',
  summary: 'Calls a JavaScript function for each row.',
  stability: 'beta',
  schema: javascriptSchema,
  examples: [
    {
      title: 'A computed column; rows without an amount are dropped',
      config: {
        type: 'javascript',
        columns: ['price', 'quantity'],
        function: 'row => row.quantity > 0 && { total: row.price * row.quantity }',
        returns: [{ name: 'total', type: 'double' }],
      },
    },
  ],

  async plan(config, input, ctx): Promise<ExpandingFilter> {
    const args = config.columns.map((name, i) => argumentOf(requireColumn(input, name, ctx.place, `columns[${i}]`)));
    const returned = config.returns.map((column, i) => returnedColumn(column, i, ctx));
    const passed = input.map((c) => returned.find((r) => r.name === c.name) ?? passColumn(c));
    const columns = [...passed, ...returned.filter((r) => !input.some((c) => c.name === r.name))];
    assertDistinctNames(
      columns.map((c) => c.name),
      ctx.place.at('returns'),
    );
    const fn = sqlFunction(await loadFunction(config, ctx), args, config, ctx);
    return {
      form: 'expand',
      schema: columns.map(({ name, type }) => ({ name, type })),
      list: `string_split(${fn.name}(${args.map((a) => a.sql).join(', ')}), chr(30))`,
      columns: returned.length > 0 ? columns : rejectFailures(columns, input),
      functions: [fn],
    };
  },
});

function returnedColumn(column: JavascriptConfig['returns'][number], index: number, ctx: FilterPlanContext): FilterColumn {
  const type = columnTypeAt(column.type, ctx.place, `returns[${index}].type`);
  const made = columnFromJson(`string_split(__element, chr(31))[${index + 1}]`, type, column);
  return { ...made, reason: `the function failed, or returned no ${type} as ${column.name}` };
}

/** A function that only drops rows has no column whose conversion could fail, so its failures show in the first column. */
function rejectFailures(columns: readonly FilterColumn[], input: Schema): FilterColumn[] {
  return columns.map((column, i) =>
    i > 0
      ? column
      : {
          name: column.name,
          type: input[0]?.type ?? column.type,
          sql: `case when not ${FAILED} then ${column.sql ?? 'null'} end`,
          rejectNullWhen: FAILED,
          reason: 'the function failed',
        },
  );
}

function sqlFunction(call: RowFunction, args: readonly Argument[], config: JavascriptConfig, ctx: FilterPlanContext): ScalarFunction {
  const names = config.returns.map((r) => r.name);
  const id = createHash('sha256')
    .update(JSON.stringify([config.function ?? '', config.file ?? '', config.columns, names]))
    .digest('hex')
    .slice(0, 12);
  const logged = new Set<string>();
  return {
    name: `__javascript_${id}`,
    parameters: args.map((a) => a.parameter),
    returns: 'VARCHAR',
    call(values) {
      try {
        return textOfResult(call(Object.fromEntries(args.map((a, i) => [a.name, a.fromSql(values[i] ?? null)]))), names);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (!logged.has(text) && logged.size < LOGGED_FAILURES) {
          logged.add(text);
          ctx.log.log('warn', 'the function of a javascript filter failed', { error: text });
        }
        return FAILURE_MARK;
      }
    },
  };
}
