import { ConfigError, defineFilter } from '../../core/spi/index.js';
import { passColumn } from '../shared/filter-columns.js';
import { unwrapSql } from '../shared/sql-problem.js';
import { whereSchema, type WhereConfig } from './schema.js';

export default defineFilter<WhereConfig>({
  kind: 'filter',
  type: 'where',
  summary: 'Keeps the rows for which a SQL condition is true.',
  stability: 'stable',
  schema: whereSchema,
  examples: [{ title: 'Paid orders only', config: { type: 'where', condition: "status = 'paid' and amount > 0" } }],

  async plan(config, input, ctx) {
    const { sql, type } = unwrapSql(await ctx.check.expression(config.condition, input), ctx.place, 'condition');
    if (type !== 'boolean')
      throw new ConfigError({
        code: 'SQL_INVALID',
        message: `condition: expected a boolean expression, got a ${type}`,
        hint: 'compare it with something, e.g. `amount > 0`',
        where: ctx.place.at('condition'),
      });
    return { form: 'rows', columns: input.map(passColumn), keep: sql };
  },
});
