import type { JsonObject, JsonValue } from '../spi/index.js';

/** JSON text that does not depend on the order of keys. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_, v: JsonValue) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
