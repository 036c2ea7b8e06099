import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const HOOK = `import { writeSync } from 'node:fs';
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  if (found.url.includes('/node_modules/') && !found.url.includes('/node_modules/tsx/')) writeSync(2, 'loaded ' + found.url + '\\n');
  return found;
}`;

/** Packages that importing a module of the source loads, in a process of its own. */
function packagesLoadedBy(module: string, then = ''): readonly string[] {
  const url = new URL(`../../src/${module}`, import.meta.url).href;
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOK)}));`;
  const script = `${register} const module = await import(${JSON.stringify(url)}); ${then}`;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const output = execFileSync('/bin/sh', ['-c', '"$0" --import tsx --input-type=module -e "$1" 2>&1', process.execPath, script], {
    cwd: root,
    encoding: 'utf8',
  });
  const names = [...output.matchAll(/^loaded .*\/node_modules\/([^/]+)\//gm)].map((match) => match[1] ?? '');
  return [...new Set(names)].sort();
}

test('core/config and core/registry load no package until a config is read', () => {
  assert.equal(packagesLoadedBy('core/config/index.ts'), []);
  assert.equal(packagesLoadedBy('core/registry/index.ts'), []);
  assert.equal(packagesLoadedBy('plugins/builtins.ts'), []);
});

test('the hook of this test sees packages: reading a config loads yaml, and no liquidjs', () => {
  const loaded = packagesLoadedBy('core/config/index.ts', "await module.parseDocument('a: 1', 'a.yml', { env: {} });");
  assert.equal(loaded, ['yaml']);
});

test.run();
