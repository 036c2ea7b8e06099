import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../spi/index.js';
import type { PluginDeclaration } from '../spi/index.js';
import { checkDeclaration } from './declaration.js';
import type { BuiltinPlugin } from './builtin-plugin.js';

const PACKAGE_NAME = /^(@[a-z0-9-~][a-z0-9-._~]*\/)?sluice-plugin-[a-z0-9-._~]+$/;

/**
 * Imports the plugins that sluice.yml lists: npm packages named `sluice-plugin-*`, or paths, both from the project
 * root. A module's default export is one declaration or a list of them. No plugin may take a built-in's place.
 */
export async function loadThirdParty(
  names: readonly string[],
  root: string,
  builtins: readonly BuiltinPlugin[],
): Promise<readonly PluginDeclaration[]> {
  const taken = new Map(builtins.map(({ kind, type }) => [`${kind} ${type}`, 'a built-in plugin']));
  const found: PluginDeclaration[] = [];
  for (const name of names) {
    const exported = await importPlugin(name, root);
    for (const value of Array.isArray(exported) ? (exported as readonly unknown[]) : [exported]) {
      const plugin = checkDeclaration(value, `the plugin ${name}`);
      const id = `${plugin.kind} ${plugin.type}`;
      const owner = taken.get(id);
      if (owner !== undefined)
        throw new ConfigError({
          code: 'PLUGIN_CLASH',
          message: `the plugin ${name} declares the ${id}, which is ${owner}`,
          hint: 'remove one of them from plugins: in sluice.yml',
        });
      taken.set(id, `declared by ${name}`);
      found.push(plugin);
    }
  }
  return found;
}

async function importPlugin(name: string, root: string): Promise<unknown> {
  const path = locatePlugin(name, root);
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    throw new ConfigError({
      code: 'PLUGIN_LOAD',
      message: `loading the plugin ${name}: ${(error as Error).message}`,
      hint: missing
        ? 'check the path, or install the package in the project (npm install)'
        : 'fix the plugin, or remove it from plugins: in sluice.yml',
      cause: error,
    });
  }
}

/** The absolute path of a listed plugin's module. */
function locatePlugin(name: string, root: string): string {
  if (name.startsWith('.') || isAbsolute(name)) return resolve(root, name);
  if (!PACKAGE_NAME.test(name)) {
    throw new ConfigError({
      code: 'PLUGIN_NAME',
      message: `expected a package named sluice-plugin-... or a path that starts with ./, found "${name}"`,
      hint: 'mend plugins: in sluice.yml',
    });
  }
  const require = createRequire(join(root, 'package.json'));
  try {
    return require.resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      const path = locateModuleEntry(name, require);
      if (path !== undefined) return path;
    }
    throw new ConfigError({
      code: 'PLUGIN_LOAD',
      message: `the plugin package ${name} is not installed in ${root}`,
      hint: `npm install ${name}`,
      cause: error,
    });
  }
}

/** Packages that export for `import` alone are invisible to `require.resolve`. */
function locateModuleEntry(name: string, require: NodeJS.Require): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = join(folder, name, 'package.json');
    let text: string;
    try {
      text = readFileSync(manifest, 'utf8');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) continue;
      throw error;
    }
    const entry = importEntry((JSON.parse(text) as { exports?: unknown }).exports);
    if (entry !== undefined) return join(dirname(manifest), entry);
  }
  return undefined;
}

function importEntry(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const conditions = exports as { readonly [key: string]: unknown };
  for (const key of ['.', 'node', 'import', 'default']) {
    const entry = key in conditions ? importEntry(conditions[key]) : undefined;
    if (entry !== undefined) return entry;
  }
  return undefined;
}
