import type * as duck from '@duckdb/node-api';
import type { SqlValue } from '../spi/index.js';

type Api = typeof duck;

/**
 * DuckDB values as JavaScript values: integers up to 32 bit and floats as number, larger integers as bigint, text as string,
 * BLOB as Uint8Array, lists as arrays, structs as objects, maps as arrays of `{key, value}`; everything else
 * (DECIMAL, DATE, TIME, TIMESTAMP, UUID, INTERVAL …) as DuckDB's own text.
 */
export function createConverter(api: Api): (value: duck.DuckDBValue) => SqlValue {
  const convert = (value: duck.DuckDBValue): SqlValue => {
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof api.DuckDBBlobValue) return Uint8Array.from(value.bytes);
    if (value instanceof api.DuckDBListValue || value instanceof api.DuckDBArrayValue) return value.items.map(convert);
    if (value instanceof api.DuckDBStructValue) return Object.fromEntries(Object.entries(value.entries).map(([k, v]) => [k, convert(v)]));
    if (value instanceof api.DuckDBMapValue) return value.entries.map((e) => ({ key: convert(e.key), value: convert(e.value) }));
    if (value instanceof api.DuckDBUnionValue) return convert(value.value);
    if (value instanceof api.DuckDBTimestampTZValue) return formatUtc(api, value);
    // The binding knows infinite timestamps, and takes an infinite date for one of the year 5881580.
    if (value instanceof api.DuckDBDateValue && Math.abs(value.days) === 2_147_483_647) return value.days < 0 ? '-infinity' : 'infinity';
    return value.toString();
  };
  return convert;
}

/** `2024-01-01 00:00:00.5+00`, whatever the process' own zone is. */
function formatUtc(api: Api, value: duck.DuckDBTimestampTZValue): string {
  const text = new api.DuckDBTimestampValue(value.micros).toString();
  return text === 'infinity' || text === '-infinity' ? text : `${text}+00`;
}
