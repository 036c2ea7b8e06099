import type { JsonObject, JsonValue } from '../core/spi/index.js';

/** The value when it is a mapping, else undefined. */
export function asMapping(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}
