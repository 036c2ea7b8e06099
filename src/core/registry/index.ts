export { createRegistry, describeUnknown } from './registry.js';
export type { BuiltinPlugin } from './builtin-plugin.js';
export type { PluginsByKind, Registry, RegistryOptions } from './registry.js';
