import { ConfigError, type PluginContext } from '../../../core/spi/index.js';
import type { Place } from './place.js';
import { forEachLimited } from './for-each-limited.js';

/** An object of another run is never replaced by accident. */
export async function refuseExisting(place: Place, names: readonly string[], ctx: PluginContext): Promise<void> {
  await forEachLimited(names, async (name) => {
    if (!(await place.exists(name, ctx))) return;
    throw objectExists(place.base + name);
  });
}

/** `object` is its URI or path. */
export function objectExists(object: string): ConfigError {
  return new ConfigError({
    code: 'OBJECT_EXISTS',
    message: `${object} exists, and this run did not write it`,
    hint: 'set out.overwrite: true to replace it, or leave sequence_format and path out: the run id then makes names unique',
  });
}
