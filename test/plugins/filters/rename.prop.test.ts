import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import rename from '../../../src/plugins/filter-rename/index.js';
import { applyRule } from '../../../src/plugins/filter-rename/rules.js';
import { configErrorOf, planFilter, runFilter, strings } from './filter-bench.js';

const name = fc.stringMatching(/^[a-c_2]{1,4}$/);

test('unique_number_suffix gives unique names, keeps first ones, and finds nothing to do the second time', () => {
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 5 }), (names, offset) => {
      const rule = { rule: 'unique_number_suffix', offset } as const;
      const once = applyRule(names, rule);
      assert.is(new Set(once).size, names.length);
      assert.equal(applyRule(once, rule), once);
      names.forEach((n, i) => {
        if (names.indexOf(n) === i) assert.is(once[i], n);
      });
    }),
  );
});

test('max_length holds for names of any length', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab]{1,12}$/), { minLength: 1, maxLength: 15 }), (names) => {
      const once = applyRule(names, { rule: 'unique_number_suffix', max_length: 8 });
      assert.is(new Set(once).size, names.length);
      assert.ok(once.every((n) => n.length <= 8));
    }),
  );
});

test('columns come first, then the rules; values stay', async () => {
  const config = {
    type: 'rename',
    columns: { 'Order ID': 'Id' },
    rules: [{ rule: 'upper_to_lower' }, { rule: 'regex_replace', match: '(?i)(UN)(it)', replace: '$2-\\$1${x}' }],
  };
  const { columns, rows } = await runFilter(rename, config, strings(['Order ID', 'Unit']), `select '1' as "Order ID", 'u' as "Unit"`);
  assert.equal(columns, [
    { name: 'id', type: 'string' },
    { name: 'it-$1', type: 'string' },
  ]);
  assert.equal(rows, [{ id: '1', 'it-$1': 'u' }]);
});

test('a first character of two UTF-16 units is replaced whole', () => {
  const rule = { rule: 'first_character_types', pass_types: ['a-z'] } as const;
  assert.equal(applyRule(['😀x', 'ax'], { ...rule, pass_types: [...rule.pass_types], replace: '_' }), ['_x', 'ax']);
});

test('Java expressions: quoting, needless escapes; no counterpart is an error', async () => {
  const [plain] = applyRule(['a.b-c'], { rule: 'regex_replace', match: '\\Q.b\\E\\-', replace: '' });
  assert.is(plain, 'ac');
  const error = await configErrorOf(
    planFilter(rename, { type: 'rename', rules: [{ rule: 'regex_replace', match: '\\p{Punct}', replace: '' }] }, strings(['a'])),
  );
  assert.is(error.code, 'RENAME_RULE');
  assert.match(error.message, /rules\[0\]: match is no regular expression/);
});

test('an unknown column, a stray option and two equal names are errors with their place', async () => {
  const unknown = await configErrorOf(planFilter(rename, { type: 'rename', columns: { amuont: 'x' } }, strings(['amount'])));
  assert.is(unknown.code, 'COLUMN_UNKNOWN');
  assert.match(unknown.message, /columns\.amuont: expected a column of the filter's input, got "amuont", did you mean "amount"\?/);
  assert.match(unknown.hint ?? '', /columns at this point: amount/);
  const stray = await configErrorOf(planFilter(rename, { type: 'rename', rules: [{ rule: 'truncate', prefix: '_' }] }, strings(['a'])));
  assert.match(stray.message, /rules\[0\]: the rule truncate has no option "prefix"/);
  const equal = await configErrorOf(planFilter(rename, { type: 'rename', rules: [{ rule: 'truncate', max_length: 1 }] }, strings(['ab', 'Ac'])));
  assert.is(equal.code, 'DUPLICATE_COLUMN');
  assert.match(equal.message, /"a" and "A" would differ only by case/);
});

test.run();
