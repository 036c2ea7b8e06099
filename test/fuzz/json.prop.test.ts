import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import { FULL, makeProject, report, type Project } from '../reliability/project.js';
import { loadBytes } from './engine.js';

const RUNS = FULL ? 500 : 25;
let project: Project;

test.before(async () => {
  project = await makeProject();
});

test.after(() => project.remove());

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((v) => JSON.stringify(v)),
  fc.constantFrom(
    '1',
    '1.50',
    '1e400',
    '12345678901234567890.123',
    '-0',
    '""',
    '"é\\u0000"',
    '"\\ud800"',
    'null',
    'true',
    '[1,2]',
    '{"x":{}}',
    '"2026-01-02T03:04:05Z"',
  ),
);
const document = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'A', 'a.b', '', '"'), value), { maxLength: 4 })
  .map((pairs) => `{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${v}`).join(',')}}`);
const line = fc.oneof(
  { weight: 8, arbitrary: document },
  { weight: 1, arbitrary: fc.constantFrom('', '{', '{"a":1', '[]', 'nul', '{"a":1}{"a":2}', '{"a":1,}', '\u0000', '42') },
);
const columns = fc.constantFrom<JsonObject[]>(
  [
    { name: 'a', type: 'string' },
    { name: 'b', type: 'json' },
  ],
  [
    { name: 'a', type: 'long' },
    { name: 'c', type: 'double' },
  ],
  [
    { name: 'a', type: 'decimal(38,10)' },
    { name: 'b', type: 'boolean' },
    { name: 'c', type: 'timestamp' },
  ],
  [{ name: 'a', type: 'json' }],
);
const joins = fc.constantFrom('\n', '\n', '\r\n', ' ', ',');

test('random documents: no crash, no hang, the accounting balances', async () => {
  let loaded = 0;
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 15 }),
      joins,
      fc.boolean(),
      columns,
      fc.oneof({ weight: 4, arbitrary: fc.constant(new Uint8Array()) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) }),
      async (lines, join, array, list, noise) => {
        const text = array ? `[${lines.join(',')}]` : lines.join(join);
        const result = await loadBytes(project, Buffer.concat([Buffer.from(text), noise]), { type: 'json', columns: list }, 'json');
        if (!result) return;
        loaded++;
        rows += result.written;
      },
    ),
    { numRuns: RUNS, endOnFailure: !FULL },
  );
  assert.ok(loaded > 0 && rows > 0, 'some documents are good');
  report(`${RUNS} random files, ${loaded} loaded, ${rows} rows`);
});

test.run();
