import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFilter, ConformanceError, type FilterCase } from '../../src/conformance/index.js';
import { createRegistry } from '../../src/core/registry/index.js';
import { defineFilter, quoteIdentifier, type FilterPlugin, type Schema } from '../../src/core/spi/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';
import where from '../../src/plugins/filter-where/index.js';

const columns: Schema = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'at', type: 'timestamp' },
  { name: 'tags', type: 'json' },
];
const ANN = ['9007199254740993', 'ann', '2024-03-10 10:30:00+00', '["x","y"]'];
const rows = [
  ['9007199254740993', 'ann', '2024-03-10T02:30:00-08:00', '["x","y"]'],
  [null, '日本', null, '[]'],
  ['1', 'ann', null, null],
];

type Case = Omit<FilterCase, 'columns' | 'rows'>;
const unknown = (config: FilterCase['config']): Case => ({ title: 'an unknown column', config, error: 'COLUMN_UNKNOWN' });

/** Cases of every built-in filter; a new filter without any fails the test below. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  add_time: [
    { title: 'start of the run', config: { to_column: { name: 'loaded' }, from_value: { mode: 'upload_time' } } },
    unknown({ to_column: { name: 'x' }, from_column: { name: 'none' } }),
  ],
  column: [
    {
      title: 'an expression',
      config: { columns: [{ name: 'up', type: 'string', expression: 'upper(name)' }] },
      expected: [
        [...ANN, 'ANN'],
        [null, '日本', null, '[]', '日本'],
        ['1', 'ann', null, null, 'ANN'],
      ],
    },
  ],
  dedupe: [{ title: 'by key', config: { keys: ['name'] } }, unknown({ keys: ['none'] })],
  expand_json: [
    {
      title: 'the first tag',
      config: { column: 'tags', columns: [{ name: 'first', type: 'string', path: '/0' }] },
    },
    unknown({ column: 'none', columns: [{ name: 'a', type: 'long' }] }),
  ],
  explode: [{ title: 'tags', config: { column: 'tags', element: { name: 'tag', type: 'string' } } }, unknown({ column: 'none' })],
  hash: [{ title: 'names', config: { columns: ['name'], salt: 'canary-4711-salt' } }, unknown({ columns: ['none'], salt: 'canary-4711-salt' })],
  javascript: [
    {
      title: 'a function',
      config: {
        columns: ['id', 'name'],
        function: '(row) => ({ twice: row.id === null ? null : row.id + row.id })',
        returns: [{ name: 'twice', type: 'long' }],
      },
    },
    unknown({ columns: ['none'], function: '() => true' }),
  ],
  mask: [{ title: 'names', config: { columns: [{ name: 'name' }] } }, unknown({ columns: [{ name: 'none' }] })],
  remove_columns: [{ title: 'two', config: { remove: ['at', 'tags'] } }, unknown({ remove: ['none'] })],
  rename: [{ title: 'one', config: { columns: { name: 'Name of it' } } }],
  sql: [
    { title: 'all', config: { query: 'select * from input' }, expected: [ANN, [null, '日本', null, '[]'], ['1', 'ann', null, null]] },
    { title: 'reading a file', config: { query: "select * from read_text('/etc/passwd')" }, error: 'SQL_INVALID' },
  ],
  where: [
    { title: 'one name', config: { condition: "name = 'ann' and id > 1" }, expected: [ANN] },
    { title: 'no predicate', config: { condition: 'id +' }, error: 'SQL_INVALID' },
  ],
};

const registry = createRegistry({ builtins: BUILTIN_PLUGINS });
for (const { kind, type } of BUILTIN_PLUGINS.filter((plugin) => plugin.kind === 'filter')) {
  test(`${kind} ${type} keeps its contract`, async () => {
    const cases = CASES[type];
    assert.ok(cases, `no cases for the filter ${type}`);
    await checkFilter(
      await registry.get('filter', type),
      cases.map((c) => ({ columns, rows, ...c })),
    );
  });
}

test('a filter whose SQL gives another type, and whose error shows a secret, is found out', async () => {
  const broken: FilterPlugin<{ readonly key?: string }> = defineFilter({
    ...where,
    schema: { type: 'object', additionalProperties: false, properties: { key: { type: 'string', 'x-secret': true, description: 'A key.' } } },
    examples: [{ title: 'none', config: {} }],
    async plan(config, input, ctx) {
      const key = config.key as unknown as { reveal(): Promise<string> } | undefined;
      if (key !== undefined) throw Object.assign(new TypeError(`cannot use ${await key.reveal()}`), { root: ctx.root });
      return { form: 'rows', columns: input.map(({ name }) => ({ name, type: 'double', sql: quoteIdentifier(name) })) };
    },
  });
  try {
    await checkFilter(broken, [
      { title: 'types', config: {}, columns, rows },
      { title: 'secrets', config: { key: 'canary' }, columns, rows, error: 'KEY_WRONG' },
    ]);
    assert.unreachable('the suite should have failed');
  } catch (error) {
    assert.instance(error, ConformanceError);
    assert.match((error as Error).message, /types: rows are right.*column "id": expected DOUBLE for double, found BIGINT/);
    assert.match((error as Error).message, /secrets: planning fails with KEY_WRONG: the error shows a secret/);
  }
});

test.run();
