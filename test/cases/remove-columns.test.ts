import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import removeColumns from '../../src/plugins/filter-remove-columns/index.js';
import { ConfigError, type JsonObject } from '../../src/core/spi/index.js';
import { planFilter, strings } from '../plugins/filters/filter-bench.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: readonly string[];
  readonly expected: readonly string[] | 'error';
}

const cases = (JSON.parse(readFileSync(new URL('embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter((c) => c.area === 'remove_columns');

for (const { name, config, input, expected } of cases) {
  test(`remove_columns ${name}`, async () => {
    let result: readonly string[] | 'error';
    try {
      const step = await planFilter(removeColumns, { type: 'remove_columns', ...config }, strings(input));
      result = step.form === 'rows' ? step.columns.map((c) => c.name) : [];
    } catch (error) {
      assert.instance(error, ConfigError);
      result = 'error';
    }
    assert.equal(result, expected);
  });
}

test('there are cases', () => assert.ok(cases.length > 3));

test.run();
