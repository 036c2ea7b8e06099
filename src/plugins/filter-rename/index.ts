import { type ConfigError, defineFilter, ownValue, quoteIdentifier } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { assertDistinctNames, requireColumn } from '../shared/filter-columns.js';
import { applyRule, RuleProblem, type RenameRule } from './rules.js';
import { renameSchema, type RenameConfig } from './schema.js';

export default defineFilter<RenameConfig>({
  kind: 'filter',
  type: 'rename',
  summary: 'Renames columns one by one and by rules.',
  stability: 'stable',
  schema: renameSchema,
  examples: [
    { title: 'Two columns', config: { type: 'rename', columns: { 'Order ID': 'order_id', Amt: 'amount' } } },
    {
      title: 'Names that every database takes',
      config: {
        type: 'rename',
        rules: [
          { rule: 'upper_to_lower' },
          { rule: 'character_types', pass_types: ['a-z', '0-9'], pass_characters: '_' },
          { rule: 'first_character_types', pass_types: ['a-z'], pass_characters: '_', prefix: '_' },
          { rule: 'unique_number_suffix' },
        ],
      },
    },
  ],

  async plan(config, input, ctx) {
    const columns = config.columns ?? {};
    for (const name of Object.keys(columns)) requireColumn(input, name, ctx.place, `columns.${name}`);
    let names = input.map((c) => ownValue(columns, c.name) ?? c.name);
    (config.rules ?? []).forEach((rule, i) => {
      names = tryRule(names, rule, (message) =>
        configProblem(ctx.place, `rules[${i}]`, {
          code: 'RENAME_RULE',
          message,
          hint: 'docs/reference/plugins/filter-rename.md lists the options of each rule',
        }),
      );
    });
    const empty = names.indexOf('');
    if (empty >= 0)
      throw configProblem(ctx.place, 'rules', {
        code: 'RENAME_RULE',
        message: `the rules leave nothing of the name "${input[empty]?.name ?? ''}"`,
        hint: 'name that column under columns',
      });
    assertDistinctNames(names, ctx.place.at(config.rules === undefined ? 'columns' : 'rules'));
    return { form: 'rows', columns: input.map((c, i) => ({ name: names[i] as string, type: c.type, sql: quoteIdentifier(c.name) })) };
  },
});

function tryRule(names: readonly string[], rule: RenameRule, problem: (message: string) => ConfigError): string[] {
  try {
    return applyRule(names, rule);
  } catch (error) {
    if (error instanceof RuleProblem) throw problem(error.message);
    throw error;
  }
}
