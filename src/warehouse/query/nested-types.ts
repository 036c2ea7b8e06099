import type { IcebergType } from '../table/model.js';
import { decimalParts } from '../table/types.js';

/*
 * Whether a value of a DuckDB type becomes one of an Iceberg type without a silent change, for what INSERT writes as it is:
 * lists, maps, structs, and the types that no pipeline column has (uuid, time). A cast that overflows is an error of its own.
 */

const LEAVES: Readonly<Record<string, RegExp>> = {
  boolean: /^BOOLEAN$/,
  int: /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/,
  long: /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/,
  float: /^FLOAT$/,
  double: /^(FLOAT|DOUBLE)$/,
  string: /^VARCHAR$/,
  date: /^DATE$/,
  time: /^TIME$/,
  timestamp: /^(DATE|TIMESTAMP|TIMESTAMP_S|TIMESTAMP_MS)$/,
  timestamptz: /^TIMESTAMP WITH TIME ZONE$/,
  uuid: /^UUID$/,
  binary: /^BLOB$/,
};

/** `from` is DuckDB's text of a type, such as `STRUCT(x INTEGER, y VARCHAR[])`. */
export function castKeepsValue(from: string, to: IcebergType): boolean {
  const type = from.trim();
  // What NULL and an empty list hold.
  if (type === '"NULL"') return true;
  if (typeof to === 'string') {
    const target = decimalParts(to);
    const source = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
    // Integers in lists go through Parquet, which has none of 128 bits.
    if (target) return LEAVES['long']?.test(type) === true || (source !== null && Number(source[2]) <= target.scale);
    return LEAVES[to]?.test(type) ?? false;
  }
  if (to.type === 'list') {
    const element = /^([^]*)\[\d*\]$/.exec(type)?.[1];
    return element !== undefined && castKeepsValue(element, to.element);
  }
  const [, kind, body = ''] = /^(STRUCT|MAP)\(([^]*)\)$/.exec(type) ?? [];
  const parts = splitTypes(body);
  if (to.type === 'map')
    return kind === 'MAP' && parts.length === 2 && castKeepsValue(parts[0] ?? '', to.key) && castKeepsValue(parts[1] ?? '', to.value);
  const fields = kind === 'STRUCT' ? parts.map(splitField) : [];
  return (
    fields.length === to.fields.length &&
    to.fields.every((target) => {
      const field = fields.find(([name]) => name.toLowerCase() === target.name.toLowerCase());
      return field !== undefined && castKeepsValue(field[1], target.type);
    })
  );
}

/** Cuts at commas outside parentheses and quotes. */
function splitTypes(body: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const m of body.matchAll(/"(?:[^"]|"")*"|[(),]/g)) {
    if (m[0] === '(') depth++;
    else if (m[0] === ')') depth--;
    else if (m[0] === ',' && depth === 0) {
      parts.push(body.slice(start, m.index).trim());
      start = m.index + 1;
    }
  }
  return [...parts, body.slice(start).trim()];
}

function splitField(text: string): readonly [name: string, type: string] {
  const [, quoted, bare = '', type = ''] = /^(?:"((?:[^"]|"")*)"|(\S+))\s+([^]*)$/.exec(text) ?? [];
  return [quoted?.replaceAll('""', '"') ?? bare, type];
}
