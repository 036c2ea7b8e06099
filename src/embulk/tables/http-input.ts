import type { JsonObject, JsonValue } from '../../core/spi/index.js';
import { asMapping } from '../mapping.js';
import { ignored, mapped, refused, sign, text, type PluginTable } from '../option-table.js';
import type { Section } from '../section.js';

function milliseconds(key: string, native: string, unit: 'ms' | 's', note: string): ReturnType<typeof mapped> {
  return mapped(key, note, (section, value) => {
    if (typeof value === 'number') section.set(native, unit === 's' ? value / 1000 : value, key);
    else section.refuse(key, `expected milliseconds, found ${JSON.stringify(value)}`, `write a number, e.g. ${key}: 10000`);
  });
}

/** `[{name, value, expand}]` as a mapping of parameters. */
function writeParams(section: Section, value: JsonValue): void {
  const entries = Array.isArray(value) ? (value as readonly JsonValue[]).map(asMapping) : [undefined];
  if (entries.some((entry) => typeof entry?.['name'] !== 'string')) {
    section.refuse('params', 'expected a list of name and value', 'write params: [{name: …, value: …}]');
    return;
  }
  const given = entries as readonly JsonObject[];
  if (given.some((entry) => entry['expand'] === true) || new Set(given.map((entry) => entry['name'])).size < given.length)
    section.refuse('params', 'one request for each value of a parameter has no counterpart', 'write a config for each, or use pagination');
  section.map('params', Object.fromEntries(given.map((entry) => [String(entry['name']), entry['value'] ?? ''])), 'params', 'parameters by name');
}

export const httpInput: PluginTable = {
  kind: 'input',
  type: 'http',
  plugin: 'embulk-input-http',
  options: [
    text('url'),
    mapped('method', 'In capitals.', (section, value) => section.set('method', typeof value === 'string' ? value.toUpperCase() : value)),
    mapped('params', 'A mapping. `expand` is refused.', writeParams),
    mapped('basic_auth', '`auth: {type: basic, …}`.', (section, value) =>
      section.map('auth', { type: 'basic', ...asMapping(value) }, 'basic_auth', 'basic_auth of Embulk'),
    ),
    mapped('user_agent', 'A header.', (section, value) =>
      section.map('headers', { ...asMapping(section.out['headers']), 'User-Agent': value }, 'user_agent', 'user_agent of Embulk'),
    ),
    mapped('request_headers', '`headers`.', (section, value) =>
      section.set('headers', { ...asMapping(section.out['headers']), ...asMapping(value) }, 'request_headers'),
    ),
    milliseconds('read_timeout', 'timeout_secs', 's', '`timeout_secs`.'),
    mapped('max_retries', '`retry_limit`.', (section, value) => section.set('retry_limit', value, 'max_retries')),
    milliseconds('retry_interval', 'initial_retry_interval_millis', 'ms', '`initial_retry_interval_millis`.'),
    mapped('request_interval', '`requests_per_second`.', (section, value) => {
      if (typeof value === 'number' && value > 0) section.set('requests_per_second', 1000 / value, 'request_interval');
    }),
    sign(ignored('open_timeout', 'read_timeout holds for the whole of a silent server')),
    sign(ignored('interval_includes_response_time', 'requests are counted by the second')),
    sign(ignored('input_direct', 'answers are streamed')),
    mapped('charset', 'Belongs to the parser; utf-8 is taken.', (section, value) => {
      if (!/^utf-?8$/i.test(String(value))) section.refuse('charset', 'the charset belongs to the parser', 'write it as parser.charset');
    }),
    refused('pager', 'use pagination: {type: page, param: …}, which reads until a page without records'),
    refused('request_body', 'use method: POST and body, which is sent as JSON'),
  ],
  additions: [
    'headers',
    'auth',
    'pagination',
    'body',
    'windows',
    'max_pages',
    'max_response_bytes',
    'allow_hosts',
    'requests_per_second',
    'timeout_secs',
  ],
};
