import type { PluginKind } from '../core/spi/index.js';

interface BuiltinPlugin {
  readonly kind: PluginKind;
  readonly type: string;
  readonly load: () => Promise<{ readonly default: unknown }>;
}

/** The plugins of this package. Listing one costs nothing: it is imported when a config names it. */
export const BUILTIN_PLUGINS: readonly BuiltinPlugin[] = [
  { kind: 'input', type: 'config', load: () => import('./input-config/index.js') },
  { kind: 'input', type: 'file', load: () => import('./input-file/index.js') },
  { kind: 'parser', type: 'csv', load: () => import('./parser-csv/index.js') },
  { kind: 'parser', type: 'json', load: () => import('./parser-json/index.js') },
];
