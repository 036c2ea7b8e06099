import type { TextColumnConfig } from './text-columns.js';

export interface Preset {
  readonly pattern: string;
  readonly columns: readonly TextColumnConfig[];
}

/** What stands for an absent value in these logs. */
export const PRESET_NULL = '-';

const QUOTED = '(?:[^"\\\\]|\\\\.)*';
const REQUEST = `(?<request>(?<method>[A-Za-z]+) (?<path>(?:[^ "\\\\]|\\\\.)+)(?: (?<protocol>HTTP/[0-9.]+))?|${QUOTED})`;
const COMMON = `(?<remote_host>[^ ]+) (?<identity>[^ ]+) (?<user>.+?) \\[(?<time>[^\\]]+)\\] "${REQUEST}" (?<status>[0-9]{3}|-) (?<size>[0-9]+|-)`;
const COMMON_COLUMNS: readonly TextColumnConfig[] = [
  { name: 'remote_host', type: 'string' },
  { name: 'identity', type: 'string' },
  { name: 'user', type: 'string' },
  { name: 'time', type: 'timestamp', format: '%d/%b/%Y:%H:%M:%S %z' },
  { name: 'request', type: 'string' },
  { name: 'method', type: 'string' },
  { name: 'path', type: 'string' },
  { name: 'protocol', type: 'string' },
  { name: 'status', type: 'long' },
  { name: 'size', type: 'long' },
];

/** Apache's `LogFormat` common and combined (httpd documentation, mod_log_config). Values stay escaped as in the log. */
export const PRESETS: { readonly [name in 'apache_common' | 'apache_combined']: Preset } = {
  apache_common: { pattern: COMMON, columns: COMMON_COLUMNS },
  apache_combined: {
    pattern: `${COMMON} "(?<referer>${QUOTED})" "(?<user_agent>${QUOTED})"`,
    columns: [...COMMON_COLUMNS, { name: 'referer', type: 'string' }, { name: 'user_agent', type: 'string' }],
  },
};
