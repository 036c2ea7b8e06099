import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigErrors } from '../../src/core/config/index.js';
import { GOOD, load, problemsOf } from './project-folder.js';

async function messages(text: string): Promise<readonly string[]> {
  return (await problemsOf(() => load({ 'sluice.yml': '', 'orders.yml': text }, 'orders.yml'))).map((problem) => problem.message);
}

const CASES: readonly { readonly name: string; readonly text: string; readonly expected: readonly string[] }[] = [
  {
    name: 'an unknown key with a suggestion',
    text: GOOD.replace('path_prefix', 'path_prefiks'),
    expected: ['orders.yml:3:3 in.path_prefiks: unknown key "path_prefiks", did you mean "path_prefix"?'],
  },
  {
    name: 'an unknown plugin',
    text: GOOD.replace('type: warehouse', 'type: warehuose'),
    expected: ['orders.yml:9:9 out.type: unknown output type "warehuose", did you mean "warehouse"?'],
  },
  {
    name: 'a wrong column type',
    text: GOOD.replace('type: long', 'type: lng'),
    expected: ['orders.yml:7:26 in.parser.columns[0].type: expected a column type, found "lng", did you mean "long"?'],
  },
  { name: 'a list for a text', text: GOOD.replace('shop.orders', '[a]'), expected: ['orders.yml:10:10 out.table: expected text, found a list'] },
  {
    name: 'a missing key',
    text: GOOD.replace('  table: shop.orders\n', ''),
    expected: ['orders.yml:9:3 out.table: expected the key "table", which is missing'],
  },
  {
    name: 'a missing section',
    text: GOOD.slice(0, GOOD.indexOf('out:')),
    expected: ['orders.yml:1:1 out: expected the key "out", which is missing'],
  },
  {
    name: 'a missing parser',
    text: 'in: {type: file}\nout: {type: warehouse, table: a}\n',
    expected: ['orders.yml:1:5 in.parser: expected the key "parser", which is missing'],
  },
  {
    name: 'a section without type',
    text: GOOD.replace('  type: warehouse\n', ''),
    expected: ['orders.yml:9:3 out.type: expected the key "type", which is missing'],
  },
  {
    name: 'an enum value',
    text: `${GOOD}  mode: apend\n`,
    expected: ['orders.yml:11:9 out.mode: expected one of append, replace, found "apend", did you mean "append"?'],
  },
  {
    name: 'a number in quotes',
    text: 'in: {type: database, host: a, port: "3306"}\nout: {type: warehouse, table: a}\n',
    expected: ['orders.yml:1:37 in.port: expected an integer, found "3306"'],
  },
  {
    name: 'a number out of range',
    text: 'in: {type: database, host: a, port: 70000}\nout: {type: warehouse, table: a}\n',
    expected: ['orders.yml:1:37 in.port: expected a number <= 65535, found 70000'],
  },
  {
    name: 'one branch of several forms',
    text: 'in: {type: database, host: a, tables: [a, {nam: b}, 3]}\nout: {type: warehouse, table: a}\n',
    expected: [
      'orders.yml:1:43 in.tables[1].name: expected the key "name", which is missing',
      'orders.yml:1:44 in.tables[1].nam: unknown key "nam", did you mean "name"?',
      'orders.yml:1:53 in.tables[2]: expected text or a mapping, found 3',
    ],
  },
  {
    name: 'a choice by a key',
    text: `${GOOD}filters:\n  - {type: rename, rules: [{rule: truncat}]}\n  - {type: rename, rules: [{rule: truncate}]}\n`,
    expected: [
      'orders.yml:12:28 filters[0].rules[0]: rule: expected one of upper, truncate, found "truncat", did you mean "truncate"?',
      'orders.yml:13:28 filters[1].rules[0].max_length: expected the key "max_length", which is missing',
    ],
  },
  {
    name: 'exactly one of two keys',
    text: `${GOOD}filters:\n  - {type: remove_columns}\n  - {type: remove_columns, keep: [a], remove: [b]}\n`,
    expected: [
      'orders.yml:12:5 filters[0]: expected exactly one of the keys remove, keep, found none',
      'orders.yml:13:5 filters[1]: expected exactly one of the keys remove, keep, found several',
    ],
  },
  {
    name: 'exec',
    text: `${GOOD}exec: {max_rejects: 1 percent, memory_limit: lots, max_thread: 2}\n`,
    expected: [
      'orders.yml:11:21 exec.max_rejects: expected a number of records, or a share such as "1%", found "1 percent"',
      'orders.yml:11:46 exec.memory_limit: expected a size such as 800MB or 2GiB, found "lots"',
      'orders.yml:11:52 exec.max_thread: unknown key "max_thread", did you mean "max_threads"?',
    ],
  },
  { name: 'a key twice', text: `${GOOD}out: {}\n`, expected: ['orders.yml:11:1: this key stands twice in one mapping'] },
  { name: 'an empty file', text: '# nothing\n', expected: ['orders.yml:1:1: expected a mapping with in: and out:, found nothing'] },
  { name: 'two documents', text: `${GOOD}---\na: 1\n`, expected: ['orders.yml:11:1: expected one YAML document, found a second one'] },
  {
    name: 'an unknown top-level key',
    text: `${GOOD}filter: []\n`,
    expected: ['orders.yml:11:1 filter: unknown key "filter", did you mean "filters"?'],
  },
  {
    name: 'the short form, whose keys belong to input and parser',
    text: 'in: {type: csv, delimter: ";", path_prefx: a, columns: [{name: a, type: long}]}\nout: {type: warehouse, table: a}\n',
    expected: [
      'orders.yml:1:17 in.delimter: unknown key "delimter", did you mean "delimiter"?',
      'orders.yml:1:32 in.path_prefx: unknown key "path_prefx", did you mean "path_prefix"?',
    ],
  },
  {
    name: 'the place of a merged key',
    text: 'in:\n  <<: &base {type: database, port: 0}\n  host: a\nout: {type: warehouse, table: a}\n',
    expected: ['orders.yml:2:36 in.port: expected a number >= 1, found 0'],
  },
];

for (const { name, text, expected } of CASES) {
  test(`message: ${name}`, async () => {
    assert.equal(await messages(text), expected);
  });
}

test('all problems come at once, in the order of the file, as one ConfigError', async () => {
  const text = GOOD.replace('path_prefix', 'path').replace('type: long', 'type: x').replace('table:', 'tabel:');
  const [error] = await Promise.allSettled([load({ 'sluice.yml': '', 'orders.yml': text }, 'orders.yml')]);
  assert.is(error?.status, 'rejected');
  const reason = (error as PromiseRejectedResult).reason as ConfigErrors;
  assert.instance(reason, ConfigErrors);
  assert.is(reason.exitCode, 2);
  assert.is(reason.code, 'CONFIG_UNKNOWN_KEY');
  assert.equal(
    reason.details.map((problem) => problem.where.line),
    [3, 7, 9, 10],
  );
  assert.equal(reason.message.split('\n').length, 4);
  assert.equal(reason.where, { file: 'orders.yml', line: 3, column: 3, path: 'in.path' });
  assert.match(reason.hint ?? '', 'known keys here: decoders, incremental, parser, path_prefix');
});

test('the message lists the first fifty problems', async () => {
  const columns = Array.from({ length: 60 }, (_, i) => `      - {name: c${i}, type: lng}`).join('\n');
  const [error] = await Promise.allSettled([load({ 'a.yml': GOOD.replace('      - {name: id, type: long}', columns) }, 'a.yml')]);
  const reason = (error as PromiseRejectedResult).reason as ConfigErrors;
  assert.is(reason.details.length, 60);
  assert.is(reason.message.split('\n').length, 51);
  assert.match(reason.message, /and 10 more problems$/);
});

test('a missing file and a foreign extension', async () => {
  const [missing] = await problemsOf(() => load({}, 'none.yml'));
  assert.is(missing?.code, 'CONFIG_NOT_FOUND');
  assert.is(missing?.message, 'none.yml: no such file');
  const [json] = await problemsOf(() => load({ 'a.json': '{}' }, 'a.json'));
  assert.is(json?.code, 'CONFIG_EXTENSION');
  assert.match(json?.hint ?? '', 'rename');
});

test('a folder, a number no integer can hold, and a memory limit that nothing fits into', async () => {
  const [folder] = await problemsOf(() => load({ 'a.yml/b.yml': '' }, 'a.yml'));
  assert.is(folder?.message, 'a.yml: expected a config file, found a folder');
  const [huge] = await problemsOf(() => load({ 'a.yml': `${GOOD}exec: {max_threads: 99999999999999999999}\n` }, 'a.yml'));
  assert.match(huge?.message ?? '', /exec\.max_threads: expected an integer/);
  assert.not.match(huge?.hint ?? '', /quotes/);
  const [memory] = await problemsOf(() => load({ 'a.yml': `${GOOD}exec: {memory_limit: 1KB}\n` }, 'a.yml'));
  assert.is(memory?.message, 'a.yml:11:22 exec.memory_limit: expected at least 64MB, found "1KB"');
  assert.match(memory?.hint ?? '', '800MB');
});

test('a tab as indentation is one mistake', async () => {
  assert.equal(await messages(GOOD.replace('  type: file', '\ttype: file')), ['orders.yml:2:1: Tabs are not allowed as indentation']);
});

test('a mapping that is missing is shown', async () => {
  const [problem] = await problemsOf(() => load({ 'a.yml': GOOD.replace('{name: id, type: long}', 'id') }, 'a.yml'));
  assert.match(problem?.message ?? '', /in\.parser\.columns\[0\]: expected a mapping, found "id"/);
  assert.match(problem?.hint ?? '', 'name: …');
});

test('bytes that are no UTF-8, deep nesting and aliases that multiply are errors, not crashes', async () => {
  const deep = await problemsOf(() => load({ 'a.yml': `in: ${'['.repeat(20_000)}` }, 'a.yml'));
  assert.is(deep[0]?.code, 'CONFIG_SYNTAX');
  const levels = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    levels.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  const [bomb] = await problemsOf(() => load({ 'a.yml': levels.join('\n') }, 'a.yml'));
  assert.is(bomb?.code, 'CONFIG_SYNTAX');
  assert.match(bomb?.message ?? '', 'by way of anchors');
});

test.run();
