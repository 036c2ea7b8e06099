import { ConfigError, defineFilter, type FilterPlanContext, type Schema } from '../../core/spi/index.js';
import { assertDistinctNames } from '../shared/filter-columns.js';
import { configProblem, unwrapSql } from '../shared/config-problem.js';
import { sqlSchema, type SqlFilterConfig } from './schema.js';
import { findJoinedTables } from './joined-tables.js';

export default defineFilter<SqlFilterConfig>({
  kind: 'filter',
  type: 'sql',
  summary: 'Replaces the rows of the run by the result of a SELECT over them.',
  stability: 'stable',
  schema: sqlSchema,
  examples: [
    {
      title: 'Totals per customer',
      config: { type: 'sql', query: 'select customer_id, sum(amount) as total, count(*) as orders from input group by customer_id' },
    },
  ],

  async plan(config, input, ctx) {
    const query = await expandQuery(config.query, ctx);
    const named = unwrapSql(await ctx.check.tables(query), ctx.place, 'query', input);
    const joined = await findJoinedTables(named, ctx);
    const tables = new Map<string, Schema>([['input', input], ...joined.schemas]);
    const checked = unwrapSql(await ctx.check.select(query, tables), ctx.place, 'query', input);
    if (!named.some((parts) => parts.join('.') === 'input'))
      throw configProblem(ctx.place, 'query', {
        code: 'SQL_INVALID',
        message: 'the rows of the run (`input`) are not used',
        hint: 'select from input',
      });
    assertDistinctNames(
      checked.schema.map((c) => c.name),
      ctx.place.at('query'),
    );
    return {
      form: 'whole',
      schema: checked.schema,
      select: (relation) => `WITH input AS (SELECT * FROM ${relation}) ${checked.wrap(query)}`,
      ...(joined.prepare === undefined ? {} : { prepare: joined.prepare }),
    };
  },
});

/** Works out Treasure Data's time functions; now is the period's nominal time, else the run's start, also after a resume. */
async function expandQuery(query: string, ctx: FilterPlanContext): Promise<string> {
  if (!/\bTD_/i.test(query)) return query;
  const { expandTdText } = await import('../../warehouse/index.js');
  try {
    return expandTdText(query, { scheduledTime: ctx.scheduledTime ?? ctx.startedAt });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, message, hint } = error;
    throw configProblem(ctx.place, 'query', { code, message, hint: hint ?? 'see docs/sql.md' });
  }
}
