import type { PluginKind } from '../spi/index.js';

/** A plugin of this package: known by name, imported when it is used. */
export interface BuiltinPlugin {
  readonly kind: PluginKind;
  readonly type: string;
  readonly load: () => Promise<{ readonly default: unknown }>;
}
