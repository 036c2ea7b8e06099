import type { PluginKind } from '../core/spi/index.js';

/** The plugins of this package. Listing one costs nothing: it is imported when a config names it. */
export const BUILTIN_PLUGINS: readonly { readonly kind: PluginKind; readonly type: string; readonly load: () => Promise<{ readonly default: unknown }> }[] = [
  { kind: 'parser', type: 'json', load: () => import('./parser-json/index.js') },
];
