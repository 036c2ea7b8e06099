/** The definitions of docs/reference/types.md in plain JavaScript, without DuckDB. Undefined = does not convert. */
export type Oracle = (text: string) => string | undefined;

export const long: Oracle = (text) => {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -(2n ** 63n) && value < 2n ** 63n ? String(value) : undefined;
};

export const double: Oracle = (text) => {
  const word = { NaN: 'NaN', Infinity: 'Infinity', '+Infinity': 'Infinity', '-Infinity': '-Infinity' }[text];
  if (word !== undefined) return word;
  if (!/^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? (Object.is(value, -0) ? '-0' : String(value)) : undefined;
};

export function decimal(precision: number, scale: number): Oracle {
  return (text) => {
    const m = /^([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))$/.exec(text);
    if (!m) return undefined;
    const fraction = (m[3] ?? m[4] ?? '').padEnd(scale, '0');
    if (/[1-9]/.test(fraction.slice(scale))) return undefined;
    const unscaled = BigInt(`${m[2] ?? '0'}${fraction.slice(0, scale)}`);
    if (unscaled >= 10n ** BigInt(precision)) return undefined;
    return String(m[1] === '-' ? -unscaled : unscaled);
  };
}

const TRUE = new Set(['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 't', 'T', 'y', 'Y', 'on', 'On', 'ON', '1']);
const FALSE = new Set(['false', 'False', 'FALSE', 'no', 'No', 'NO', 'f', 'F', 'n', 'N', 'off', 'Off', 'OFF', '0']);
export const boolean: Oracle = (text) => (TRUE.has(text) ? 'true' : FALSE.has(text) ? 'false' : undefined);

export const json: Oracle = (text) => {
  try {
    JSON.parse(text);
    // A lone surrogate cannot be written as UTF-8.
    return /\\u[dD][89a-fA-F]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
};

/** Microseconds since 1970 of local fields, or undefined when there is no such day. */
function micros(y: string, mo: string, d: string, h = '0', mi = '0', s = '0', f = ''): bigint | undefined {
  const date = new Date(0);
  date.setUTCFullYear(Number(y), Number(mo) - 1, Number(d));
  if (Number(y) < 1 || date.getUTCMonth() !== Number(mo) - 1 || date.getUTCDate() !== Number(d)) return undefined;
  if (Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) return undefined;
  date.setUTCHours(Number(h), Number(mi), Number(s));
  return BigInt(date.getTime()) * 1000n + BigInt(f.padEnd(6, '0').slice(0, 6));
}

const show = (value: bigint | undefined): string | undefined => (value === undefined ? undefined : String(value));

export const isoDate: Oracle = (text) => {
  const m = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return m ? show(micros(m[1] ?? '', m[2] ?? '', m[3] ?? '')) : undefined;
};

const ISO =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?( ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$/;

function iso(text: string, zones: boolean): bigint | undefined {
  const m = ISO.exec(text);
  if (!m || (m[8] !== undefined && !zones)) return undefined;
  const local = micros(m[1] ?? '', m[2] ?? '', m[3] ?? '', m[4], m[5], m[6], m[7]);
  const zone = /([+-])([0-9]{2}):?([0-9]{2})?$/.exec(m[8] ?? '');
  if (local === undefined || !zone) return local;
  if (Number(zone[2]) > 23 || Number(zone[3] ?? 0) > 59) return undefined;
  const offset = BigInt(Number(zone[2]) * 3600 + Number(zone[3] ?? 0) * 60) * 1_000_000n;
  const instant = local - (zone[1] === '-' ? -offset : offset);
  return instant >= -62_135_596_800_000_000n && instant < 253_402_300_800_000_000n ? instant : undefined;
}

export const isoDatetime: Oracle = (text) => show(iso(text, false));
export const isoTimestamp: Oracle = (text) => show(iso(text, true));

/** `%Y-%m-%d %H:%M:%S` and, with `fraction`, `.%N` after it: leading zeros may be missing. */
export function plainFormat(fraction: boolean): Oracle {
  const pattern = new RegExp(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})${fraction ? '\\.([0-9]{1,9})' : ''}$`);
  return (text) => {
    const m = pattern.exec(text);
    return m ? show(micros(m[1] ?? '', m[2] ?? '', m[3] ?? '', m[4], m[5], m[6], m[7])) : undefined;
  };
}

export const dayFormat: Oracle = (text) => {
  const m = /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$/.exec(text);
  return m ? show(micros(m[1] ?? '', m[2] ?? '', m[3] ?? '')) : undefined;
};
