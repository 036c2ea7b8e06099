import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXEC_SCHEMA } from '../../src/core/config/index.js';
import { createRegistry } from '../../src/core/registry/index.js';
import { EMBULK_TABLES, type PluginTable } from '../../src/embulk/index.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';

const test = suite('the tables of Embulk’s options');
const registry = createRegistry({ builtins: BUILTIN_PLUGINS });

/** Keys that the native plugin takes. */
async function nativeKeys({ kind, type }: PluginTable): Promise<readonly string[]> {
  if (kind === 'exec') return Object.keys(EXEC_SCHEMA.properties);
  const plugin = await registry.get(kind, type);
  const properties = (plugin.schema as { properties?: object }).properties ?? {};
  return [...Object.keys(properties), ...('takesFormat' in plugin ? ['formatter', 'encoders'] : [])];
}

for (const table of EMBULK_TABLES) {
  test(`${table.kind} ${table.type}`, async () => {
    const keys = table.options.map(({ key }) => key);
    assert.equal([...new Set(keys)], [...keys], 'each option once');
    for (const rule of table.options) {
      if (rule.fate === 'mapped') assert.ok(rule.convert !== undefined && rule.note !== '', `${rule.key} is mapped: how?`);
      if (rule.fate === 'ignored' || rule.fate === 'refused') assert.ok(rule.note !== '', `${rule.key} needs a reason`);
      assert.ok(rule.sign !== true || rule.fate !== 'same', `${rule.key}: a native option is no sign`);
    }
    if (table.sign === true) return;
    const native = await nativeKeys(table);
    const kept = table.options.filter(({ fate, key }) => fate === 'same' && !/[.[]/.test(key)).map(({ key }) => key);
    assert.equal(
      [...kept, ...(table.additions ?? [])].filter((key) => !native.includes(key)),
      [],
      'what passes unchanged is a native key',
    );
  });
}

test.run();
