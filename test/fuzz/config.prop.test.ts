import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import type { JsonObject, JsonValue } from '../../src/core/spi/index.js';
import { FULL, makeProject, report, type Project } from '../reliability/project.js';

const RUNS = FULL ? 3000 : 120;
let project: Project;

test.before(async () => {
  project = await makeProject();
  await project.write('data/a.csv', 'id,name\n1,x\n');
});

test.after(() => project.remove());

const GOOD: JsonObject = {
  in: {
    type: 'file',
    path_prefix: 'data/',
    parser: {
      type: 'csv',
      skip_header_lines: 1,
      columns: [
        { name: 'id', type: 'long' },
        { name: 'name', type: 'string' },
      ],
    },
  },
  filters: [
    { type: 'rename', columns: { name: 'label' } },
    { type: 'where', condition: 'id > 0' },
    { type: 'column', columns: [{ name: 'twice', expression: 'id * 2' }] },
    { type: 'sql', query: 'SELECT * FROM input' },
  ],
  out: { type: 'warehouse', table: 'shop.t', time_column: 'id', partition_by: ['bucket(4, id)'] },
  exec: { max_threads: 1, memory_limit: '400MB', max_rejects: '1%' },
};

/** All places of a document, as lists of keys. */
function placesOf(value: JsonValue, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [at];
  const below = Array.isArray(value)
    ? value.map((item, i) => placesOf(item as JsonValue, [...at, i]))
    : Object.entries(value).map(([key, item]) => placesOf(item as JsonValue, [...at, key]));
  return [at, ...below.flat()];
}

function replaceAt(value: JsonValue, at: readonly (string | number)[], by: JsonValue | undefined): JsonValue {
  const [key, ...rest] = at;
  if (key === undefined) return by ?? null;
  const copy = structuredClone(value) as Record<string | number, JsonValue>;
  if (rest.length === 0 && by === undefined) delete copy[key];
  else copy[key] = replaceAt(copy[key] as JsonValue, rest, by);
  return copy as JsonValue;
}

const places = placesOf(GOOD);
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    '',
    '..',
    "'; DROP TABLE x; --",
    '${env.HOME}',
    '{{ x }}',
    'day(',
    'bucket(0, id)',
    'decimal(99,1)',
    '__proto__',
    'constructor',
    1e308,
    -1,
    { env: 'NO_SUCH_SECRET' },
    { file: '/etc/passwd' },
    ['id', 'id'],
  ),
);

async function check(text: string): Promise<number> {
  await project.write('fuzz.yml', text);
  const { code, stdout, stderr } = await project.sluice(['check', 'fuzz.yml']);
  assert.ok(code === 0 || code === 2 || code === 3 || code === 4, `exit ${code}\n${stderr}${stdout}\n---\n${text}`);
  if (code !== 0) assert.match(stderr, /error [A-Z_]+: /);
  return code;
}

test('the config that is changed is good', async () => assert.is(await check(stringify(GOOD)), 0));

test('configs with wrong values: each is accepted or refused, none crashes', async () => {
  const codes = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.option(junk, { nil: undefined }), async (at, by) => {
      const code = await check(stringify(replaceAt(GOOD, at, by)));
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }),
    { numRuns: RUNS, endOnFailure: !FULL, examples: [[['in', 'parser', 'columns', 0, 'name'], 'constructor']] },
  );
  report(`${RUNS} changed configs: ${[...codes].map(([code, n]) => `exit ${code} ${n} times`).join(', ')}`);
});

test('YAML text with letters taken out and put in', async () => {
  const text = stringify(GOOD);
  const edit = fc.tuple(
    fc.nat(text.length),
    fc.nat(6),
    fc.oneof(
      fc.constantFrom('', '\t', ':', '- ', '&a ', '*a', '<<: ', '"', "'", '[', '{', '|', '!!js ', '#', '\n', '\u0000', '%'),
      fc.string({ maxLength: 4 }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      await check(edits.reduce((result, [at, length, put]) => result.slice(0, at) + put + result.slice(at + length), text));
    }),
    { numRuns: RUNS, endOnFailure: !FULL, examples: [[[[32, 0, '\u0000']]]] },
  );
});

test.run();
