import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { POINTS } from '../../src/core/spi/index.js';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));

test('the list of points is exactly what the code reaches', async () => {
  const reached = new Map<string, string[]>();
  for (const entry of await readdir(SOURCES, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
    for (const [, point] of text.matchAll(/\breach\(\s*'([^']+)'\s*\)/g)) {
      reached.set(point as string, [...(reached.get(point as string) ?? []), entry.name]);
    }
  }
  assert.equal([...reached.keys()].sort(), [...POINTS].sort());
  assert.ok(POINTS.length >= 15);
  for (const [point, places] of reached) assert.is(places.length, 1, `${point} is reached in ${places.join(', ')}`);
});

test.run();
