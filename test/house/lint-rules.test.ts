import { ESLint } from 'eslint';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const repository = resolve(import.meta.dirname, '../..');
const test = suite('lint rules');

// The texts are linted under the names of existing files, because the typed rules know only files of the TypeScript project.
const sourceFile = join(repository, 'src/core/spi/errors.ts');
const testFile = join(repository, 'test/house/lint-rules.test.ts');
const eslint = new ESLint({ cwd: repository });

async function brokenRules(text: string, filePath = sourceFile): Promise<string[]> {
  const results = await eslint.lintText(text, { filePath });
  return [...new Set(results.flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message)))].sort();
}

const planted: Record<string, { text: string; rule: string }> = {
  'a promise nobody waits for': { text: 'async function load() {}\nload();', rule: '@typescript-eslint/no-floating-promises' },
  'a promise as a condition': {
    text: 'export async function load(ready: Promise<boolean>) {\n  if (ready) await ready;\n}',
    rule: '@typescript-eslint/no-misused-promises',
  },
  'a switch that forgets a case': {
    text: "export function size(kind: 'a' | 'b') {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n}",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  any: { text: 'export const value: any = 1;', rule: '@typescript-eslint/no-explicit-any' },
  'an empty catch': { text: 'try {\n  JSON.parse("");\n} catch {}', rule: 'no-empty' },
  'printing outside the command line': { text: 'console.log(1);', rule: 'no-console' },
  'writing to stdout outside the command line': { text: "process.stdout.write('x');", rule: 'no-restricted-properties' },
  'loose equality': { text: 'export const same = (a: unknown) => a == 1;', rule: 'eqeqeq' },
  'a variable that never changes': { text: 'let one = 1;\nexport { one };', rule: 'prefer-const' },
  'an unused variable': { text: 'const one = 1;', rule: '@typescript-eslint/no-unused-vars' },
  'a type imported as a value': {
    text: "import { ErrorPlace } from './errors.js';\nexport const place: ErrorPlace = {};",
    rule: '@typescript-eslint/consistent-type-imports',
  },
  'a long file': { text: 'export {};\n'.repeat(601), rule: 'max-lines' },
  'a silenced type error': { text: '// @ts-ignore\nexport const one: string = 1;', rule: '@typescript-eslint/ban-ts-comment' },
  'an unfinished thought': { text: `// ${'TO'}${'DO'} later\nexport {};`, rule: 'no-warning-comments' },
};

for (const [name, plant] of Object.entries(planted)) {
  test(`${name} is refused`, async () => {
    assert.equal(await brokenRules(plant.text), [plant.rule]);
  });
}

test('a comment cannot switch a rule off', async () => {
  const rules = await brokenRules('// eslint-disable-next-line no-console\nconsole.log(1);');
  assert.ok(rules.includes('no-console'), rules.join(', '));
});

test('tests may print and are allowed 800 lines', async () => {
  assert.equal(await brokenRules('console.log(1);\n'.repeat(601), testFile), []);
  assert.equal(await brokenRules('export {};\n'.repeat(801), testFile), ['max-lines']);
});

test.run();
