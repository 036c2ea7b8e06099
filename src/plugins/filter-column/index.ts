import {
  COLUMN_TYPE_NAMES,
  defineFilter,
  didYouMean,
  parseColumnType,
  type ColumnType,
  type FilterCast,
  type FilterColumn,
  type FilterPlanContext,
  type Schema,
  type TextFormat,
} from '../../core/spi/index.js';
import { assertDistinctNames, passColumn, requireColumn } from '../shared/filter-columns.js';
import { configProblem, unwrapSql } from '../shared/config-problem.js';
import { columnSchema, type ColumnFilterConfig } from './schema.js';

type Entry = ColumnFilterConfig['columns'][number];

export default defineFilter<ColumnFilterConfig>({
  kind: 'filter',
  type: 'column',
  summary: 'Casts columns, fills NULLs, and computes columns with SQL.',
  stability: 'stable',
  schema: columnSchema,
  examples: [
    {
      title: 'Cast strictly, and a default',
      config: {
        type: 'column',
        columns: [
          { name: 'amount', type: 'decimal(12,2)' },
          { name: 'country', default: 'JP' },
        ],
      },
    },
    {
      title: 'A computed column and a copy',
      config: {
        type: 'column',
        columns: [
          { name: 'total', expression: 'price * quantity' },
          { name: 'ordered_on', from: 'ordered_at', type: 'date', timezone: 'Asia/Tokyo' },
        ],
      },
    },
  ],

  async plan(config, input, ctx) {
    assertDistinctNames(
      config.columns.map((c) => c.name),
      ctx.place.at('columns'),
    );
    const made = new Map<string, FilterColumn>();
    for (const [i, entry] of config.columns.entries()) made.set(entry.name, await makeColumn(entry, input, ctx, `columns[${i}]`));
    const changed = input.map((c) => made.get(c.name) ?? passColumn(c));
    const added = [...made.values()].filter((c) => !input.some((known) => known.name === c.name));
    assertDistinctNames(
      [...changed, ...added].map((c) => c.name),
      ctx.place.at('columns'),
    );
    return { form: 'rows', columns: [...changed, ...added] };
  },
});

async function makeColumn(entry: Entry, input: Schema, ctx: FilterPlanContext, path: string): Promise<FilterColumn> {
  if (entry.expression !== undefined && entry.from !== undefined) {
    throw configProblem(ctx.place, path, {
      code: 'FILTER_OPTIONS',
      message: 'from and expression exclude each other',
      hint: 'name the column within the expression',
    });
  }
  const declared = entry.type === undefined ? undefined : typeOf(entry.type, ctx, `${path}.type`);
  const text: TextFormat = {
    ...(entry.format === undefined ? {} : { format: entry.format }),
    ...(entry.timezone === undefined ? {} : { timezone: entry.timezone }),
  };
  const source = await sourceOf(entry, input, ctx, path, declared);
  const to = declared ?? source.type;
  const cast: FilterCast = {
    from: source.from,
    to,
    ...(Object.keys(text).length === 0 ? {} : { text }),
    ...(entry.default === undefined ? {} : { whenNull: String(entry.default) }),
  };
  return { name: entry.name, type: to, cast };
}

async function sourceOf(
  entry: Entry,
  input: Schema,
  ctx: FilterPlanContext,
  path: string,
  declared: ColumnType | undefined,
): Promise<{ readonly from: FilterCast['from']; readonly type: ColumnType }> {
  if (entry.expression !== undefined) {
    const checked = unwrapSql(await ctx.check.expression(entry.expression, input), ctx.place, `${path}.expression`, input);
    return { from: checked, type: checked.type };
  }
  const isNew = entry.from === undefined && !input.some((c) => c.name === entry.name);
  if (isNew && entry.default !== undefined) {
    // A constant: always NULL, so always the default.
    const type =
      declared ??
      (typeof entry.default === 'boolean'
        ? 'boolean'
        : typeof entry.default === 'string'
          ? 'string'
          : Number.isSafeInteger(entry.default)
            ? 'long'
            : 'double');
    return { from: { sql: 'NULL::VARCHAR', type: 'string' }, type };
  }
  const { name, type } = requireColumn(input, entry.from ?? entry.name, ctx.place, entry.from === undefined ? `${path}.name` : `${path}.from`);
  return { from: name, type };
}

function typeOf(text: string, ctx: FilterPlanContext, path: string): ColumnType {
  const type = parseColumnType(text);
  if (type !== undefined) return type;
  throw configProblem(ctx.place, path, {
    code: 'TYPE_UNKNOWN',
    message: `expected a column type, got "${text}"${didYouMean(text, COLUMN_TYPE_NAMES)}`,
    hint: `types: ${COLUMN_TYPE_NAMES.join(', ')}`,
  });
}
