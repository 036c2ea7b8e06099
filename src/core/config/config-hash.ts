import { createHash } from 'node:crypto';
import type { JsonValue } from '../spi/index.js';

/** `sha256:<hex>` of a JSON value, whatever the order of its keys. */
export function hashJson(value: JsonValue): string {
  return `sha256:${createHash('sha256')
    .update(JSON.stringify(sortKeys(value)))
    .digest('hex')}`;
}

function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortKeys((value as { readonly [key: string]: JsonValue })[key] ?? null)]));
}
