import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { formatPath, loadPipelineDocument, loadProject, parseDocument, parsePath } from '../../src/core/config/index.js';
import type { ProjectConfig } from '../../src/core/config/index.js';
import { ConfigError } from '../../src/core/spi/index.js';
import { fixtureRegistry } from './fixture-plugins.js';
import { GOOD, withFolder } from './project-folder.js';

const registry = fixtureRegistry();
let project: ProjectConfig;
test.before(async () => {
  project = await withFolder({}, (folder) => loadProject(folder, { cwd: folder, env: {} }));
});

/** Loads any text; anything but a config or a ConfigError with code and place fails the test. */
async function loadText(text: string, file: string): Promise<void> {
  try {
    const document = await parseDocument(text, file, { env: { A: 'a', B_TOKEN: 'canary-4711' } });
    const pipelines = await loadPipelineDocument(document, { registry, project, env: { A: 'a', B_TOKEN: 'canary-4711' } });
    assert.ok(pipelines.length > 0);
    assert.not.match(JSON.stringify(pipelines), 'canary-4711');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.match(error.code, /^[A-Z_]+$/);
    assert.ok(error.message.startsWith(file), error.message);
    assert.ok(error.hint !== undefined || error.code === 'CONFIG_VALUE' || error.code === 'CONFIG_WRONG_TYPE', error.message);
    assert.not.match(error.message, 'canary-4711');
  }
}

const word = fc.oneof(
  fc.constantFrom(
    'in',
    'out',
    'filters',
    'exec',
    'pipelines',
    'name',
    'type',
    'file',
    'csv',
    'warehouse',
    'database',
    'rename',
    'parser',
    'decoders',
    'columns',
    'rules',
    'rule',
    'env',
    'A',
    'B_TOKEN',
    'password',
    'host',
    'table',
    '<<',
    '__proto__',
    'constructor',
    '{{ scheduled_time }}',
  ),
  fc.string({ maxLength: 6 }),
);
const value = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    word,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(word, tie('node'), { maxKeys: 5 }),
  ),
})).node;

test('random mappings are a config or a ConfigError', async () => {
  await fc.assert(
    fc.asyncProperty(value, (random) => loadText(stringify(random, { aliasDuplicateObjects: false }), 'random.yml')),
    { numRuns: 300 },
  );
});

test('random changes of a good config are a config or a ConfigError', async () => {
  const edit = fc.record({
    at: fc.nat(GOOD.length),
    remove: fc.nat(6),
    insert: fc.oneof(
      word,
      fc.constantFrom('\n', ': ', '- ', '{', '}', '[', ']', '"', "'", '&a ', '*a', '!', '#', '\t', '|', '>', '%', '{{', '}}', '{% '),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.constantFrom('random.yml', 'random.yml.liquid'), (edits, file) => {
      let text = GOOD;
      for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
      return loadText(text, file);
    }),
    { numRuns: 400 },
  );
});

test('random text is a config or a ConfigError', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), (text) => loadText(text, 'random.yml')),
    { numRuns: 300 },
  );
});

test('a path survives being written and read', () => {
  const path = fc.array(fc.oneof(fc.nat(1000), fc.string({ unit: 'binary', minLength: 1, maxLength: 5 })), { maxLength: 5 });
  fc.assert(
    fc.property(path, (segments) => {
      assert.equal(parsePath(formatPath(segments)), segments);
    }),
  );
});

test.run();
