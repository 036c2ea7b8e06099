import type { Scaffold } from './scaffold.js';

/** A filter that drops blanks around the values of one column, and rejects what is longer than a limit. */
export const filterScaffold: Scaffold = {
  index: (type) => `// @ts-check
import { ConfigError, defineFilter, didYouMean, quoteIdentifier, quoteLiteral } from 'sluice/spi';

/** @typedef {{ type: string, column: string, max_length?: number }} Config */

export default defineFilter(
  /** @type {import('sluice/spi').FilterPlugin<Config>} */ ({
    kind: 'filter',
    type: '${type}',
    summary: 'Drops blanks around the values of a column; replace it with what you need.',
    stability: 'experimental',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'column'],
      properties: {
        type: { const: '${type}', description: 'Selects this filter.' },
        column: { type: 'string', minLength: 1, description: 'Column whose values are trimmed.' },
        max_length: { type: 'integer', minimum: 1, description: 'Rows with a longer value are rejected.' },
      },
    },
    examples: [{ title: 'Names', config: { type: '${type}', column: 'name', max_length: 80 } }],

    // Once: columns in, columns out, as SQL. Values never pass through JavaScript, so that a million rows cost nothing more.
    async plan(config, input, ctx) {
      const found = input.find((column) => column.name === config.column);
      if (found?.type !== 'string') {
        const names = input.map((column) => column.name);
        throw new ConfigError({
          code: found ? 'COLUMN_TYPE' : 'COLUMN_UNKNOWN',
          message: found
            ? \`column: expected a string column, "\${config.column}" is \${found.type}\`
            : \`column: there is no column "\${config.column}"\${didYouMean(config.column, names)}\`,
          hint: \`columns at this point: \${names.join(', ')}\`,
          where: ctx.place.at('column'),
        });
      }
      // Names go into SQL through quoteIdentifier, texts through quoteLiteral; nothing else does.
      const trimmed = \`trim(\${quoteIdentifier(config.column)}, \${quoteLiteral(' \\t')})\`;
      const columns = input.map(({ name, type }) => ({ name, type, sql: name === config.column ? trimmed : quoteIdentifier(name) }));
      if (config.max_length === undefined) return { form: 'rows', columns };
      const reason = \`longer than \${config.max_length} characters\`;
      return { form: 'rows', columns, rejectWhen: { sql: \`length(\${trimmed}) > \${config.max_length}\`, column: config.column, reason } };
    },
  }),
);
`,
  test: (type) => `import { test } from 'node:test';
import { checkFilter } from 'sluice/conformance';
import plugin from './index.js';

const columns = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
];
const rows = [['9007199254740993', ' ann '], ['2', null], ['3', '  a long name  ']];

test('keeps the contract of a filter', async () => {
  await checkFilter(plugin, [
    { title: 'trims', config: { type: '${type}', column: 'name' }, columns, rows, expected: [['9007199254740993', 'ann'], ['2', null], ['3', 'a long name']] },
    { title: 'rejects', config: { type: '${type}', column: 'name', max_length: 5 }, columns, rows, expected: [['9007199254740993', 'ann'], ['2', null]], rejected: 1 },
    { title: 'an unknown column', config: { type: '${type}', column: 'nmae' }, columns, rows, error: 'COLUMN_UNKNOWN' },
    { title: 'a column of another type', config: { type: '${type}', column: 'id' }, columns, rows, error: 'COLUMN_TYPE' },
  ]);
});
`,
  pipeline: (type) => `in:
  type: config
  columns: [{name: id, type: long}, {name: name, type: string}]
  rows: [[1, " ann "], [2, null]]
filters:
  - {type: ${type}, column: name}
out: {type: warehouse, table: demo.${type}}
`,
};
