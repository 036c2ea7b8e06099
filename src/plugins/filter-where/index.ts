import { defineFilter } from '../../core/spi/index.js';
import { passColumn } from '../shared/filter-columns.js';
import { configProblem, unwrapSql } from '../shared/config-problem.js';
import { whereSchema, type WhereConfig } from './schema.js';

export default defineFilter<WhereConfig>({
  kind: 'filter',
  type: 'where',
  summary: 'Keeps the rows for which a SQL condition is true.',
  stability: 'stable',
  schema: whereSchema,
  examples: [{ title: 'Paid orders only', config: { type: 'where', condition: "status = 'paid' and amount > 0" } }],

  async plan(config, input, ctx) {
    const { sql, type } = unwrapSql(await ctx.check.expression(config.condition, input), ctx.place, 'condition', input);
    if (type !== 'boolean')
      throw configProblem(ctx.place, 'condition', {
        code: 'SQL_INVALID',
        message: `expected a boolean expression, got a ${type}`,
        hint: 'compare it with something, e.g. `amount > 0`',
      });
    return { form: 'rows', columns: input.map(passColumn), keep: sql };
  },
});
