import { ConfigError } from '../../core/spi/index.js';
import type { SqlText } from './dialect.js';

/** Calls and operators within one another. DuckDB binds them in cubic time that nothing can interrupt: 250 take half a second, 900 twenty. */
const MAX_NESTING = 250;

/** Bytes of one value. What a single call makes is neither counted against DuckDB's memory limit nor interruptible. */
const MAX_VALUE = 100_000_000;

interface Node {
  readonly [key: string]: unknown;
}

/**
 * Refuses what would hold the engine for long with no way to stop it: calls nested too deep, and values that constants alone make
 * too large. Throws ConfigError SQL_REFUSED with the place.
 */
export function checkExpressions(root: unknown, sql: SqlText): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    const node = value as Node;
    const call = node['class'] === 'FUNCTION';
    if (call && depth >= MAX_NESTING)
      throw refused(
        sql,
        node,
        `expressions are nested more than ${MAX_NESTING} deep`,
        'split it with WITH, or use a function of many arguments: concat(a, b, …), list_sum([a, b, …])',
      );
    if (call) checkSize(node, sql);
    for (const child of partsOf(node)) open.push({ value: child, depth: call ? depth + 1 : depth });
  }
}

/** A table function gives its rows one by one; only its arguments are values. */
function partsOf(node: Node): readonly unknown[] {
  const call = node['type'] === 'TABLE_FUNCTION' ? (node['function'] as Node | undefined) : undefined;
  return call ? Object.entries(node).map(([key, value]) => (key === 'function' ? call['children'] : value)) : Object.values(node);
}

function checkSize(node: Node, sql: SqlText): void {
  const bytes = bytesOf(node);
  if (bytes > MAX_VALUE)
    throw refused(
      sql,
      node,
      `${String(node['function_name'])}() would make a value of ${bytes.toExponential(1)} bytes, more than ${MAX_VALUE / 1e6} MB`,
      'range() and repeat() after FROM give rows instead: SELECT … FROM range(n)',
    );
}

/** A lower bound of the bytes that a call makes whatever the rows hold; 0 where that depends on them. */
function bytesOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  const { class: kind, function_name: name, child } = node as Node;
  if (kind === 'CAST') return bytesOf(child);
  if (kind === 'CONSTANT') return textLength(node as Node);
  if (kind !== 'FUNCTION') return 0;
  const [first, second, third] = ((node as Node)['children'] ?? []) as readonly unknown[];
  switch (String(name).toLowerCase()) {
    case 'repeat':
      return Math.max(1, bytesOf(first)) * Math.max(0, numberOf(second) ?? 0);
    case 'lpad':
    case 'rpad':
    case 'array_resize':
    case 'list_resize':
      return numberOf(second) ?? 0;
    case 'generate_series':
    case 'range':
      return (
        8 *
        (second === undefined
          ? elements(0, numberOf(first), 1)
          : elements(numberOf(first), numberOf(second), third === undefined ? 1 : numberOf(third)))
      );
    default:
      return 0;
  }
}

function elements(start: number | undefined, stop: number | undefined, step: number | undefined): number {
  return start === undefined || stop === undefined || !step ? 0 : Math.max(0, (stop - start) / step);
}

function textLength(constant: Node): number {
  const text = (constant['value'] as Node | undefined)?.['value'];
  return typeof text === 'string' ? text.length : 0;
}

/** A whole number that stands in the text, also `3e9` and `CAST(… AS BIGINT)`. */
function numberOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  const { class: kind, child, children, function_name: name } = node as Node;
  if (kind === 'CAST') return numberOf(child);
  if (kind === 'FUNCTION' && name === '-' && Array.isArray(children) && children.length === 1) {
    const number = numberOf(children[0]);
    return number === undefined ? undefined : -number;
  }
  if (kind !== 'CONSTANT') return undefined;
  const value = (node as Node)['value'] as Node | undefined;
  const number = value?.['value'];
  const scale = ((value?.['type'] as Node | undefined)?.['type_info'] as Node | undefined)?.['scale'];
  return typeof number === 'number' ? number / 10 ** (typeof scale === 'number' ? scale : 0) : undefined;
}

function refused(sql: SqlText, node: Node, message: string, hint: string): ConfigError {
  const where = sql.place(sql.originOf(sql.offsetOfByte(Number(node['query_location'] ?? 0))));
  return new ConfigError({ code: 'SQL_REFUSED', message: `line ${where.line}:${where.column}: ${message}`, hint, where });
}
