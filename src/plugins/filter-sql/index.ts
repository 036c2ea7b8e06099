import { defineFilter, type Schema } from '../../core/spi/index.js';
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
    const named = unwrapSql(await ctx.check.tables(config.query), ctx.place, 'query', input);
    const joined = await findJoinedTables(named, ctx);
    const tables = new Map<string, Schema>([['input', input], ...joined.schemas]);
    const checked = unwrapSql(await ctx.check.select(config.query, tables), ctx.place, 'query', input);
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
      select: (relation) => `WITH input AS (SELECT * FROM ${relation}) ${checked.wrap(config.query)}`,
      ...(joined.prepare === undefined ? {} : { prepare: joined.prepare }),
    };
  },
});
