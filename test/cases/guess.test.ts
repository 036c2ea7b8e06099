import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { guessTimeFormat } from '../../src/core/engine/guess/index.js';
import type { JsonObject, JsonValue } from '../../src/core/spi/index.js';
import { guessBytes, GUESS_PLUGINS } from '../plugins/guess/lab.js';
import { openLab, type Lab } from '../plugins/parser-json/lab.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: string | readonly string[] | null;
  readonly expected: JsonValue;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const cases = (read('./embulk-cases.json') as Case[]).filter((c) => c.area.startsWith('guess_'));
const differences = new Map(Object.entries(read('./guess-differences.json') as Record<string, { result: JsonValue; reason: string }>));

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

for (const c of cases) {
  test(`${c.area} ${c.name}`, async () => {
    const different = differences.get(c.name);
    assert.equal(await ourAnswer(c), different ? different.result : c.expected);
    if (different) assert.not.equal(different.result, c.expected, 'a difference that is none');
  });
}

test('every listed difference belongs to a case', () => {
  const names = new Set(cases.map((c) => c.name));
  for (const name of differences.keys()) assert.ok(names.has(name), name);
  assert.ok(differences.size <= 12);
});

async function ourAnswer(c: Case): Promise<JsonValue> {
  if (c.area === 'guess_time') {
    const found = guessTimeFormat((c.input as readonly string[]).map((text) => [text, 1] as const));
    if (found?.orElse !== undefined) return { either: [found.format, found.orElse] };
    return found?.format ?? null;
  }
  if (c.area === 'guess_schema') {
    const guessed = await guessBytes(lab, `${['v', ...(c.input as readonly string[])].join('\n')}\n`);
    const [column] = (guessed.in['parser'] as JsonObject)['columns'] as readonly JsonObject[];
    return Object.fromEntries(Object.entries(column as JsonObject).filter(([key]) => key !== 'name'));
  }
  if (c.area === 'guess_order' && c.input === null) return [...GUESS_PLUGINS].sort((a, b) => a.order - b.order).map((p) => p.type);
  const bytes = c.config['input_encoding'] === 'hex' ? Buffer.from(c.input as string, 'hex') : (c.input as string);
  const guessed = await guessBytes(lab, bytes, {}, { decode: () => new Uint8Array(0) });
  return c.area === 'guess_csv' ? (guessed.in['parser'] as JsonObject) : guessed.in;
}

test.run();
