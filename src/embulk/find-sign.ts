import { formatPath } from '../core/config/index.js';
import type { ConfigPath } from '../core/config/config-path.js';
import type { JsonValue } from '../core/spi/index.js';
import { typeOf } from './convert.js';
import { asMapping } from './mapping.js';
import type { TableKind } from './option-table.js';
import { findTable } from './tables/index.js';

/**
 * What shows that a config is one of Embulk and not a native one: a `type` in Embulk's own spelling (`embulk:…`, a mapping
 * with `name` and `source`), a plugin or an option for which a native config has no use. Undefined: nothing does.
 */
export function findSign(value: JsonValue): string | undefined {
  const root = asMapping(value);
  if (root === undefined || root['pipelines'] !== undefined) return undefined;
  const input = asMapping(root['in']);
  const output = asMapping(root['out']);
  const filters = Array.isArray(root['filters']) ? (root['filters'] as readonly JsonValue[]) : [];
  const sections: readonly [TableKind, JsonValue | undefined, ConfigPath][] = [
    ['input', root['in'], ['in']],
    ['parser', input?.['parser'], ['in', 'parser']],
    ...filters.map((filter, i): [TableKind, JsonValue, ConfigPath] => ['filter', filter, ['filters', i]]),
    ['output', root['out'], ['out']],
    ['formatter', output?.['formatter'], ['out', 'formatter']],
    ['exec', root['exec'], ['exec']],
  ];
  for (const [kind, section, path] of sections) {
    const found = signOf(kind, section, path);
    if (found !== undefined) return formatPath(found);
  }
  return undefined;
}

function signOf(kind: TableKind, value: JsonValue | undefined, path: ConfigPath): ConfigPath | undefined {
  const section = asMapping(value);
  if (section === undefined) return undefined;
  const given = section['type'];
  const mapping = asMapping(given);
  if ((typeof given === 'string' && given.startsWith('embulk:')) || (typeof mapping?.['name'] === 'string' && mapping['source'] !== undefined))
    return [...path, 'type'];
  const table = findTable(kind, kind === 'exec' ? '' : (typeOf(given) ?? ''));
  if (table?.sign === true) return [...path, 'type'];
  const rule = table?.options.find((option) => option.sign === true && Object.hasOwn(section, option.key));
  return rule === undefined ? undefined : [...path, rule.key];
}
