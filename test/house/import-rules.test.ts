import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const repository = resolve(import.meta.dirname, '../..');
const rulesFile = join(repository, '.dependency-cruiser.cjs');
const test = suite('import rules');

/** Everything that each part may import, and nothing else. */
const allowed: Record<string, string[]> = {
  'src/core/spi/index.ts': ['./schema.js', 'type:typed-package'],
  'src/core/spi/schema.ts': [],
  'src/core/duckdb/index.ts': ['../spi/index.js', 'node:fs', 'shipped-package'],
  'src/core/engine/index.ts': ['../duckdb/index.js', '../spi/schema.js'],
  'src/plugins/shared/sql.ts': ['../../core/spi/index.js'],
  'src/plugins/input-file/index.ts': ['../../core/spi/index.js', '../shared/sql.js', './schema.js'],
  'src/plugins/input-file/schema.ts': [],
  'src/plugins/output-warehouse/index.ts': ['../../core/spi/index.js', '../../warehouse/index.js'],
  'src/plugins/input-query/index.ts': ['../../warehouse/index.js'],
  'src/plugins/filter-sql/index.ts': ['../../warehouse/index.js'],
  'src/metastore/index.ts': ['../core/spi/index.js', './types.js'],
  'src/metastore/types.ts': [],
  'src/warehouse/index.ts': ['./table.js', '../metastore/index.js', '../core/duckdb/index.js'],
  'src/warehouse/table.ts': [],
  'src/embulk/index.ts': ['../core/spi/index.js'],
  'src/server/index.ts': ['../core/engine/index.js'],
  'src/cli/main.ts': ['../server/index.js', '../warehouse/index.js', '../plugins/input-file/index.js'],
  'src/index.ts': ['./core/spi/index.js', './warehouse/index.js'],
  'test/table.test.ts': ['../src/warehouse/table.js', 'dev-package'],
};

interface Violation {
  readonly rule: string;
  readonly plant: string;
}

interface CruiseResult {
  readonly summary: { readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[] };
}

async function cruise(files: Record<string, string[]>): Promise<Violation[]> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-rules-'));
  try {
    for (const [path, imports] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), imports.map(importLine).join('') + `export const value: unknown = [${imports.map(valueOf).join('')}];\n`);
    }
    for (const name of ['shipped-package', 'typed-package', 'dev-package']) {
      await mkdir(join(root, 'node_modules', name), { recursive: true });
      await writeFile(join(root, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
      await writeFile(join(root, 'node_modules', name, 'index.js'), 'exports.value = 1;\n');
    }
    const packages = { dependencies: { 'shipped-package': '1', 'typed-package': '1' }, devDependencies: { 'dev-package': '1' } };
    await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', ...packages }));
    await cp(join(repository, 'tsconfig.json'), join(root, 'tsconfig.json'));
    return (await runDepcruise(root)).summary.violations.map((violation) => ({ rule: violation.rule.name, plant: violation.from }));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function importLine(specifier: string, index: number): string {
  const [, typed] = /^type:(.+)$/.exec(specifier) ?? [];
  return typed === undefined ? `import * as value${index} from '${specifier}';\n` : `import type * as value${index} from '${typed}';\n`;
}

function valueOf(specifier: string, index: number): string {
  return specifier.startsWith('type:') ? `{} as typeof value${index}, ` : `value${index}, `;
}

async function runDepcruise(root: string): Promise<CruiseResult> {
  const program = join(repository, 'node_modules/.bin/depcruise');
  return await new Promise<CruiseResult>((done, fail) => {
    execFile(
      program,
      ['--config', rulesFile, '--output-type', 'json', 'src', 'test'],
      { cwd: root, maxBuffer: 64 << 20 },
      (_error, stdout, stderr) => {
        if (stdout.startsWith('{')) done(JSON.parse(stdout) as CruiseResult);
        else fail(new Error(`depcruise printed no JSON\n${stderr}${stdout}`));
      },
    );
  });
}

/** One file for each forbidden import, with the rules that it must break. */
const planted: Record<string, { imports: string[]; rules: string[] }> = {
  'src/core/spi/uses-node.ts': { imports: ['node:fs'], rules: ['spi-imports-nothing'] },
  'src/core/spi/uses-package.ts': { imports: ['shipped-package'], rules: ['spi-imports-nothing'] },
  'src/core/spi/uses-types.ts': { imports: ['type:../../metastore/types.js'], rules: ['spi-imports-no-source'] },
  'src/core/engine/uses-plugin.ts': { imports: ['../../plugins/input-file/index.js'], rules: ['core-stays-in-core'] },
  'src/core/engine/uses-warehouse.ts': { imports: ['type:../../warehouse/index.js'], rules: ['core-stays-in-core'] },
  'src/plugins/input-file/uses-engine.ts': { imports: ['../../core/engine/index.js'], rules: ['plugins-see-the-spi'] },
  'src/plugins/input-file/uses-spi-part.ts': { imports: ['../../core/spi/schema.js'], rules: ['plugins-see-the-spi'] },
  'src/plugins/input-file/uses-neighbour.ts': { imports: ['../input-query/index.js'], rules: ['plugins-see-the-spi'] },
  'src/plugins/input-file/uses-warehouse.ts': { imports: ['../../warehouse/index.js'], rules: ['plugins-see-the-spi'] },
  'src/plugins/input-query/uses-metastore.ts': { imports: ['../../metastore/index.js'], rules: ['warehouse-plugins-enter-by-the-front-door'] },
  'src/plugins/output-warehouse/uses-table.ts': {
    imports: ['../../warehouse/table.js'],
    rules: ['warehouse-plugins-enter-by-the-front-door', 'warehouse-has-one-door'],
  },
  'src/plugins/shared/uses-plugin.ts': { imports: ['../input-file/schema.js'], rules: ['shared-sees-the-spi'] },
  'src/metastore/uses-duckdb.ts': { imports: ['../core/duckdb/index.js'], rules: ['metastore-sees-the-spi'] },
  'src/warehouse/uses-engine.ts': { imports: ['../core/engine/index.js'], rules: ['warehouse-below-the-engine'] },
  'src/embulk/uses-plugin.ts': { imports: ['../plugins/input-file/schema.js'], rules: ['embulk-knows-configs'] },
  'src/cli/uses-table.ts': { imports: ['../warehouse/table.js'], rules: ['warehouse-has-one-door'] },
  'src/warehouse/uses-cli.ts': { imports: ['../cli/main.js'], rules: ['warehouse-below-the-engine', 'compositions-on-top'] },
  'src/cli/uses-test.ts': { imports: ['../../test/table.test.js'], rules: ['source-without-tests'] },
  'src/core/duckdb/uses-dev-package.ts': { imports: ['dev-package'], rules: ['source-without-dev-packages'] },
  'src/core/duckdb/uses-nothing-known.ts': { imports: ['./missing.js'], rules: ['resolvable'] },
  // A cycle is reported once.
  'src/core/duckdb/ring.ts': { imports: ['./ring-end.js'], rules: [] },
  'src/core/duckdb/ring-end.ts': { imports: ['./ring.js'], rules: ['no-cycles'] },
};

test('the allowed imports break no rule', async () => {
  assert.equal(await cruise(allowed), []);
});

test('each planted import breaks exactly its rules', async () => {
  const plants = Object.fromEntries(Object.entries(planted).map(([path, plant]) => [path, plant.imports]));
  const violations = await cruise({ ...allowed, ...plants });
  const found: Record<string, string[]> = {};
  for (const { plant, rule } of violations) (found[plant] ??= []).push(rule);
  const sorted = (rules: Record<string, readonly string[]>) =>
    Object.entries(rules)
      .filter(([, names]) => names.length > 0)
      .map(([path, names]) => `${path}: ${[...new Set(names)].sort().join(', ')}`)
      .sort();
  assert.equal(sorted(found), sorted(Object.fromEntries(Object.entries(planted).map(([path, plant]) => [path, plant.rules]))));
});

test('every rule has a plant', () => {
  const rules = createRequire(import.meta.url)(rulesFile) as { forbidden: { name: string }[] };
  const covered = new Set(Object.values(planted).flatMap((plant) => plant.rules));
  assert.equal(
    rules.forbidden.map((rule) => rule.name).filter((name) => !covered.has(name)),
    [],
  );
});

test.run();
