import { defineFilter } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { passColumn, requireColumn } from '../shared/filter-columns.js';
import { removeColumnsSchema, type RemoveColumnsConfig } from './schema.js';

export default defineFilter<RemoveColumnsConfig>({
  kind: 'filter',
  type: 'remove_columns',
  summary: 'Removes columns, or keeps only some.',
  stability: 'stable',
  schema: removeColumnsSchema,
  examples: [
    { title: 'Without the personal data', config: { type: 'remove_columns', remove: ['email', 'phone'] } },
    { title: 'Only two', config: { type: 'remove_columns', keep: ['id', 'amount'], accept_unmatched_columns: true } },
  ],

  async plan(config, input, ctx) {
    const key = config.keep === undefined ? 'remove' : 'keep';
    const names = config[key];
    if (names === undefined || (config.keep !== undefined && config.remove !== undefined)) {
      throw configProblem(ctx.place, '', {
        code: 'FILTER_OPTIONS',
        message: `expected exactly one of remove and keep, got ${names === undefined ? 'neither' : 'both'}`,
        hint: 'remove lists what goes, keep lists what stays',
      });
    }
    if (config.accept_unmatched_columns !== true) names.forEach((name, i) => requireColumn(input, name, ctx.place, `${key}[${i}]`));
    const listed = new Set(names);
    const left = input.filter((c) => listed.has(c.name) === (key === 'keep'));
    if (left.length === 0)
      throw configProblem(ctx.place, key, { code: 'FILTER_OPTIONS', message: 'no column is left', hint: 'keep at least one column' });
    return { form: 'rows', columns: left.map(passColumn), hidesValues: true };
  },
});
