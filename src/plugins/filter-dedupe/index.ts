import { defineFilter, quoteIdentifier } from '../../core/spi/index.js';
import { requireColumn } from '../shared/filter-columns.js';
import { dedupeSchema, type DedupeConfig } from './schema.js';

export default defineFilter<DedupeConfig>({
  kind: 'filter',
  type: 'dedupe',
  summary: 'Keeps one row of all rows of the run that have the same keys.',
  stability: 'beta',
  schema: dedupeSchema,
  examples: [
    { title: 'The newest version of each order', config: { type: 'dedupe', keys: ['order_id'], keep: 'last', order_by: [{ column: 'updated_at' }] } },
  ],

  async plan(config, input, ctx) {
    config.keys?.forEach((name, i) => requireColumn(input, name, ctx.place, `keys[${i}]`));
    config.order_by?.forEach(({ column }, i) => requireColumn(input, column, ctx.place, `order_by[${i}].column`));
    const columns = input.map((c) => quoteIdentifier(c.name)).join(', ');
    const keys = (config.keys ?? input.map((c) => c.name)).map(quoteIdentifier).join(', ');
    const last = config.keep === 'last';
    // NULL counts as the smallest value, in both directions.
    const order = (config.order_by ?? []).map(
      ({ column, descending }) => `${quoteIdentifier(column)} ${descending !== last ? 'DESC NULLS LAST' : 'ASC NULLS FIRST'}`,
    );
    order.push(`__position ${last ? 'DESC' : 'ASC'}`);
    return {
      form: 'whole',
      schema: input,
      select: (relation) =>
        `SELECT ${columns} FROM (SELECT *, row_number() OVER (PARTITION BY ${keys} ORDER BY ${order.join(', ')}) AS __rank ` +
        `FROM (SELECT ${columns}, row_number() OVER () AS __position FROM ${relation})) WHERE __rank = 1 ORDER BY __position`,
    };
  },
});
