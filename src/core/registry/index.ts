export { createRegistry, describeUnknown } from './registry.js';
export type { BuiltinPlugin, PluginsByKind, Registry, RegistryOptions } from './registry.js';
