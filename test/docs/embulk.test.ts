import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './pages.js';

const folder = join(ROOT, 'test/cases');
const page = readFileSync(join(ROOT, 'docs/embulk-differences.md'), 'utf8');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('-differences.json'))
  .flatMap((file) => Object.keys(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object));

test('at most 30 conformance cases have another result', () => {
  assert.ok(names.length > 0 && names.length <= 30, `${names.length}`);
});

test('each of them stands in the list', () => {
  for (const name of names) assert.match(page, `: ${name.replace(/-QUIRK$/, '')} |`);
});

test.run();
