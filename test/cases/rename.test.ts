import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ajv } from 'ajv';
import { applyRule, type RenameRule } from '../../src/plugins/filter-rename/rules.js';
import { renameSchema } from '../../src/plugins/filter-rename/schema.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: { readonly columns?: Record<string, string>; readonly rules?: readonly RenameRule[] };
  readonly input: readonly string[];
  readonly expected: readonly string[] | 'error';
}

const cases = (JSON.parse(readFileSync(new URL('embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter((c) => c.area === 'rename');
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(renameSchema);

function rename({ config, input }: Case): readonly string[] | 'error' {
  if (!validate({ type: 'rename', ...config })) return 'error';
  if (Object.keys(config.columns ?? {}).some((name) => !input.includes(name))) return 'error';
  try {
    return (config.rules ?? []).reduce<readonly string[]>(
      applyRule,
      input.map((n) => config.columns?.[n] ?? n),
    );
  } catch {
    return 'error';
  }
}

for (const c of cases) test(`rename ${c.name}`, () => assert.equal(rename(c), c.expected));

test('there are cases', () => assert.ok(cases.length > 10));

test.run();
