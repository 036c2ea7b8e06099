import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import dedupe from '../../../src/plugins/filter-dedupe/index.js';
import expandJson from '../../../src/plugins/filter-expand-json/index.js';
import explode from '../../../src/plugins/filter-explode/index.js';
import javascript from '../../../src/plugins/filter-javascript/index.js';
import { quoteLiteral, type JsonObject, type Schema } from '../../../src/core/spi/index.js';
import { TestProject } from '../../engine/project.js';
import { configErrorOf, planFilter, runFilter } from './filter-bench.js';

const orders: Schema = [
  { name: 'id', type: 'long' },
  { name: 'v', type: 'long' },
  { name: 'note', type: 'string' },
];
const orderRows = `select * from (values (1::bigint, 2::bigint, 'a'), (2, 1, 'b'), (1, 3, 'c'), (null, 1, 'd'), (1, null, 'e'), (null, 1, 'f'), (2, 1, 'b')) t(id, v, note)`;

const DEDUPES: readonly [title: string, config: JsonObject, notes: readonly string[]][] = [
  ['first of each key, in the order of the input; NULL equals NULL', { keys: ['id'] }, ['a', 'b', 'd']],
  ['last of each key', { keys: ['id'], keep: 'last' }, ['e', 'f', 'b']],
  ['largest by order_by; ties go to the last row', { keys: ['id'], keep: 'last', order_by: [{ column: 'v' }] }, ['c', 'f', 'b']],
  ['descending and first is the same but for ties', { keys: ['id'], order_by: [{ column: 'v', descending: true }] }, ['b', 'c', 'd']],
  ['whole rows', {}, ['a', 'b', 'c', 'd', 'e', 'f']],
];

for (const [title, config, notes] of DEDUPES) {
  test(`dedupe: ${title}`, async () => {
    const { rows, columns } = await runFilter(dedupe, { type: 'dedupe', ...config }, orders, orderRows);
    assert.equal(
      rows.map((r) => r['note']),
      notes,
    );
    assert.equal(columns, orders);
  });
}

test('dedupe: an unknown key', async () => {
  const error = await configErrorOf(planFilter(dedupe, { type: 'dedupe', keys: ['idd'] }, orders));
  assert.match(error.message, /keys\[0\]: .*did you mean "id"/);
});

const json: Schema = [
  { name: 'k', type: 'long' },
  { name: 'j', type: 'json' },
];
const jsonRows = (texts: readonly (string | null)[]): string =>
  `select * from (values ${texts.map((t, i) => `(${i}::bigint, ${t === null ? 'null' : quoteLiteral(t)}::json)`).join(', ')}) t(k, j)`;

test('expand_json: exact numbers, texts, times, nested json as it stands', async () => {
  const config = {
    type: 'expand_json',
    column: 'j',
    root: '/o',
    columns: [
      { name: 'n', type: 'decimal(38,3)' },
      { name: 's', type: 'string' },
      { name: 'at', type: 'timestamp' },
      { name: 'ok', type: 'boolean' },
      { name: 'deep', type: 'json', path: '/a~1b/1' },
    ],
  };
  const { rows, rejects, columns } = await runFilter(
    expandJson,
    config,
    json,
    jsonRows([
      '{"o":{"n":12345678901234567890.123,"s":"x\\u00e9\\n","at":"2024-01-31T00:00:00Z","ok":true,"a/b":[0,{"z" : 1.10}]}}',
      '{"o":{"n":1.50,"s":null,"ok":false}}',
      '{"o":{"n":null}}',
      null,
    ]),
  );
  assert.equal(
    columns.map((c) => c.name),
    ['k', 'n', 's', 'at', 'ok', 'deep'],
  );
  assert.equal(rejects, []);
  assert.equal(
    rows.map((r) => [r['n'], r['s'], r['ok'], r['deep']]),
    [
      ['12345678901234567890.123', 'xé\n', true, '{"z" : 1.10}'],
      ['1.500', null, false, null],
      [null, null, null, null],
      [null, null, null, null],
    ],
  );
});

test('expand_json: values of another kind are rejected', async () => {
  for (const [type, value, reason] of [
    ['long', '"5"', /not a long/],
    ['long', '1.5', /not a long/],
    ['long', '1e2', /not a long/],
    ['string', '5', /expected a JSON string/],
    ['boolean', '1', /not a boolean/],
    ['boolean', '"true"', /not a boolean/],
    ['double', 'true', /not a double/],
    ['date', '"2024-02-30"', /not a date/],
  ] as const) {
    const { rejects } = await runFilter(
      expandJson,
      { type: 'expand_json', column: 'j', columns: [{ name: 'x', type }] },
      json,
      jsonRows([`{"x":${value}}`]),
    );
    assert.is(rejects.length, 1, `${type} ${value}`);
    assert.match(rejects[0] ?? '', reason);
  }
});

test('expand_json: errors name the key', async () => {
  const pointer = await configErrorOf(
    planFilter(expandJson, { type: 'expand_json', column: 'j', columns: [{ name: 'x', type: 'long', path: 'a.b' }] }, json),
  );
  assert.is(pointer.code, 'JSON_POINTER');
  assert.is(pointer.where.path, 'columns[0].path');
  const kind = await configErrorOf(planFilter(expandJson, { type: 'expand_json', column: 'k', columns: [{ name: 'x', type: 'long' }] }, json));
  assert.match(kind.message, /expected a json column, got "k" of type long/);
  const taken = await configErrorOf(planFilter(expandJson, { type: 'expand_json', column: 'j', columns: [{ name: 'K', type: 'long' }] }, json));
  assert.is(taken.code, 'DUPLICATE_COLUMN');
});

test('explode: one row per element; none for empty and NULL; a scalar is its only element', async () => {
  const result = await runFilter(explode, { type: 'explode', column: 'j' }, json, jsonRows(['[1, 2.50,{"a" : "]"}]', '[]', null, 'null', '"x"']));
  assert.equal(
    result.rows.map((r) => [r['k'], r['j']]),
    [
      [0n, '1'],
      [0n, '2.50'],
      [0n, '{"a" : "]"}'],
      [4n, '"x"'],
    ],
  );
  assert.is(result.filtered, 3);
  const typed = await runFilter(
    explode,
    { type: 'explode', column: 'j', element: { name: 'e', type: 'string' } },
    json,
    jsonRows(['["a","b\\u001ec", null, 1]']),
  );
  assert.equal(
    typed.rows.map((r) => r['e']),
    ['a', 'b\u001ec', null],
  );
  assert.is(typed.rejects.length, 1);
});

const run = (config: JsonObject, root?: string): ReturnType<typeof runFilter> =>
  runFilter(javascript, { type: 'javascript', ...config }, orders, orderRows, root);

test('javascript: returns values, drops rows, makes rows, fails for rows', async () => {
  const values = await run({
    columns: ['v', 'note'],
    function: "row => row.v > 1 && { note: row.note + '!', twice: BigInt(row.v) * 2n }",
    returns: [
      { name: 'note', type: 'string' },
      { name: 'twice', type: 'long' },
    ],
  });
  assert.equal(values.rows, [
    { id: 1n, v: 2n, note: 'a!', twice: 4n },
    { id: 1n, v: 3n, note: 'c!', twice: 6n },
  ]);
  assert.is(values.filtered, 5);
  const many = await run({
    columns: ['v'],
    function: 'row => Array.from({ length: row.v ?? 0 }, (_, i) => ({ i }))',
    returns: [{ name: 'i', type: 'long' }],
  });
  assert.equal(
    many.rows.map((r) => `${String(r['note'])}${String(r['i'])}`),
    ['a0', 'a1', 'b0', 'c0', 'c1', 'c2', 'd0', 'f0', 'b0'],
  );
  const failing = await run({ columns: ['note'], function: "row => { if (row.note === 'c') throw new Error('no'); return row.note < 'c' }" });
  assert.equal(
    failing.rows.map((r) => r['note']),
    ['a', 'b', 'b'],
  );
  assert.equal(failing.rejects, ['id: the function failed']);
  const wrong = await run({ columns: ['id'], function: 'row => ({ n: row.id === null ? "x" : 1.5 })', returns: [{ name: 'n', type: 'long' }] });
  assert.is(wrong.rejects.length, 7);
  const late = await run({ columns: ['id'], function: 'async row => true' });
  assert.is(late.rejects.length, 7);
});

test('javascript: each failure is logged once, however often rows are read', async () => {
  const project = new TestProject();
  try {
    project.write('sluice.yml', 'name: failing\n');
    project.write('ids.csv', 'id\n1\n2\n3\n4\n');
    project.write(
      'failing.yml',
      'in: {type: file, path_prefix: ids.csv, parser: {type: csv, header_line: true, columns: [{name: id, type: long}]}}\n' +
        'filters: [{type: javascript, columns: [id], function: "row => { if (row.id > 2) throw new Error(`no ${row.id > 3}`); return true }"}]\n' +
        'out: {type: warehouse, table: raw.ids}\nexec: {max_rejects: 10}\n',
    );
    const { code, stderr } = await project.sluice(['run', 'failing.yml']);
    assert.is(code, 0, stderr);
    assert.equal(stderr.match(/no (true|false)/g)?.sort(), ['no false', 'no true']);
  } finally {
    project.remove();
  }
});

test('javascript: every type arrives as documented', async () => {
  const input: Schema = [
    { name: 'l', type: 'long' },
    { name: 'd', type: 'decimal(20,2)' },
    { name: 't', type: 'timestamp' },
    { name: 'j', type: 'json' },
    { name: 'b', type: 'binary' },
    { name: 'day', type: 'date' },
  ];
  const from = `select 9223372036854775807::bigint as l, 1.50::decimal(20,2) as d, timestamptz '2024-01-31 00:00:00.5+00' as t, '{"a":[1]}'::json as j, 'ab'::blob as b, date '2024-01-31' as day`;
  const { rows } = await runFilter(
    javascript,
    {
      type: 'javascript',
      columns: input.map((c) => c.name),
      function: 'row => ({ seen: [String(row.l), row.d, row.t, row.j.a[0], row.b.length, row.day, typeof row.l].join(" ") })',
      returns: [{ name: 'seen', type: 'string' }],
    },
    input,
    from,
  );
  assert.is(rows[0]?.['seen'], '9223372036854775807 1.50 2024-01-31T00:00:00.5Z 1 2 2024-01-31 bigint');
});

test('javascript: from a module of the project only', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-js-'));
  try {
    await writeFile(join(root, 'f.mjs'), 'export default (row) => row.id === 2;');
    assert.is((await run({ columns: ['id'], file: 'f.mjs' }, root)).rows.length, 2);
    await writeFile(join(root, 'g.mjs'), 'export default (row) => row.id === 2 ? {} : null;');
    assert.is((await run({ columns: ['id'], file: 'g.mjs' }, root)).rows.length, 2);
    const outside = await configErrorOf(run({ columns: ['id'], file: '/etc/hosts' }, root));
    assert.match(outside.message, /lies outside of the project/);
    const missing = await configErrorOf(run({ columns: ['id'], file: 'h.mjs' }, root));
    assert.is(missing.code, 'JAVASCRIPT_INVALID');
  } finally {
    await rm(root, { recursive: true });
  }
  const broken = await configErrorOf(run({ columns: ['id'], function: 'row => {' }));
  assert.is(broken.where.path, 'function');
  const none = await configErrorOf(run({ columns: ['id'] }));
  assert.match(none.message, /exactly one of function and file, got neither/);
});

test.run();
