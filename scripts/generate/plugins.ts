import type { BuiltinPlugin, Registry } from '../../src/core/registry/index.js';
import type { PluginDeclaration } from '../../src/core/spi/index.js';

export type DocumentedPlugin = PluginDeclaration & { readonly form?: string; readonly takesFormat?: { readonly default?: string } };

const KIND_ORDER = ['input', 'parser', 'decoder', 'filter', 'output', 'formatter', 'encoder', 'guess'];

/** The declarations of all built-in plugins, by kind and type. */
export async function loadPlugins(registry: Registry, builtins: readonly BuiltinPlugin[]): Promise<readonly DocumentedPlugin[]> {
  const plugins = await Promise.all(builtins.map(({ kind, type }) => registry.get(kind, type) as Promise<DocumentedPlugin>));
  return plugins.sort((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) || (a.type < b.type ? -1 : 1));
}
