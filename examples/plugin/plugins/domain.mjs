// A row-wise filter: adds the domain of an e-mail address. It makes SQL; no row passes through JavaScript.
import { ConfigError, defineFilter, quoteIdentifier } from 'sluice/spi';

export default defineFilter({
  kind: 'filter',
  type: 'domain',
  summary: 'Adds the column `domain` with the domain of an e-mail address.',
  stability: 'experimental',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['column'],
    properties: {
      column: { type: 'string', description: 'Column with the address.' },
    },
  },
  examples: [{ title: 'Of the column email', config: { type: 'domain', column: 'email' } }],

  async plan(config, input, ctx) {
    const column = input.find(({ name }) => name === config.column);
    if (column?.type !== 'string') {
      throw new ConfigError({
        code: 'DOMAIN_COLUMN',
        message: `expected a string column, found ${column ? `${column.name}, a ${column.type}` : `no column ${config.column}`}`,
        hint: `columns: ${input.map(({ name }) => name).join(', ')}`,
        where: ctx.place.at('column'),
      });
    }
    const passed = input.map(({ name, type }) => ({ name, type, sql: quoteIdentifier(name) }));
    const email = quoteIdentifier(column.name);
    const domain = { name: 'domain', type: 'string', sql: `lower(split_part(${email}, '@', 2))` };
    return {
      form: 'rows',
      columns: [...passed, domain],
      rejectWhen: { sql: `NOT contains(${email}, '@')`, column: column.name, reason: 'not an e-mail address' },
    };
  },
});
