import { ConfigError } from '../../core/spi/index.js';

export interface TableName {
  readonly namespace: string;
  readonly name: string;
}

/** The namespace of a table that is named without one. */
export const DEFAULT_NAMESPACE = 'main';
/** Suffix of the table that keeps a table's rejected records. */
export const REJECTS_SUFFIX = '__rejects';
/** Namespace of the rejects of pipelines whose target keeps none. */
export const REJECTS_NAMESPACE = 'sluice_rejects';
/** Catalog columns of other engines hold 255 characters; storage folders add a UUID. */
const LONGEST_PART = 128;

/** `shop.orders` or `orders`. Errors: ConfigError TABLE_NAME (also for reserved names). */
export function parseTableName(text: string): TableName {
  const parts = text.split('.');
  const [namespace, name] = parts.length === 1 ? [DEFAULT_NAMESPACE, parts[0] ?? ''] : [parts[0] ?? '', parts[1] ?? ''];
  const valid = (part: string): boolean => /^[a-z0-9_]+$/.test(part) && part.length <= LONGEST_PART;
  if (parts.length > 2 || !valid(namespace) || !valid(name)) {
    throw new ConfigError({
      code: 'TABLE_NAME',
      message: `table: expected a name like shop.orders of a-z, 0-9 and _ (each part at most ${LONGEST_PART} characters), got ${JSON.stringify(text)}`,
      hint: suggest(text),
    });
  }
  if (name.endsWith(REJECTS_SUFFIX) || name.startsWith('__') || namespace.startsWith('__') || namespace === 'information_schema') {
    throw new ConfigError({
      code: 'TABLE_NAME_RESERVED',
      message: `table: the name ${text} is reserved`,
      hint: `names that start with __ or end with ${REJECTS_SUFFIX} belong to Sluice; choose another`,
    });
  }
  return { namespace, name };
}

/** Splits a name of an existing table, ours or another engine's, without judging it. */
export function splitTableName(text: string): TableName {
  const dot = text.indexOf('.');
  return dot < 0 ? { namespace: DEFAULT_NAMESPACE, name: text } : { namespace: text.slice(0, dot), name: text.slice(dot + 1) };
}

export function formatTableName(name: TableName): string {
  return `${name.namespace}.${name.name}`;
}

export function rejectsNameOf(name: TableName): TableName {
  return { namespace: name.namespace, name: `${name.name}${REJECTS_SUFFIX}` };
}

function suggest(text: string): string {
  const cleaned = text.toLowerCase().replace(/[^a-z0-9_.]+/g, '_');
  return /^[a-z0-9_]+(\.[a-z0-9_]+)?$/.test(cleaned) && cleaned !== text ? `for example ${cleaned}` : 'write it as namespace.table, or just table';
}
