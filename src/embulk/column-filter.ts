import type { JsonObject, JsonValue } from '../core/spi/index.js';
import { asMapping } from './mapping.js';
import type { Section } from './section.js';

type Mapping = { [key: string]: JsonValue };

/**
 * embulk-filter-column keeps (`columns`) or drops (`drop_columns`) columns and adds others (`add_columns`); here a filter
 * `column` makes values, and `remove_columns` chooses.
 */
export function splitColumnFilter(section: Section): readonly JsonObject[] {
  const kept = entriesOf(section, 'columns');
  const added = entriesOf(section, 'add_columns');
  const dropped = entriesOf(section, 'drop_columns');
  const made = [
    ...(kept ?? []).filter((entry) => entry['default'] !== undefined || (entry['src'] !== undefined && entry['src'] !== entry['name'])),
    ...(added ?? []),
  ];
  const filters: JsonObject[] = [];
  if (made.length > 0) filters.push({ type: 'column', columns: made.map((entry) => madeColumn(section, entry)) });
  if (kept !== undefined) {
    section.ignore('columns', 'the columns stay in the order of the input');
    filters.push({ type: 'remove_columns', keep: [...kept, ...(added ?? [])].map(nameOf) });
  }
  if (dropped !== undefined) filters.push({ type: 'remove_columns', remove: dropped.map(nameOf), accept_unmatched_columns: true });
  return filters;
}

function entriesOf(section: Section, key: string): readonly Mapping[] | undefined {
  const given = section.given[key];
  if (given === undefined) return undefined;
  const entries = Array.isArray(given) ? (given as readonly JsonValue[]) : [];
  const usable = entries.filter((entry) => typeof asMapping(entry)?.['name'] === 'string') as readonly Mapping[];
  if (!Array.isArray(given) || usable.length < entries.length)
    section.refuse(key, `expected a list of columns, each with a name`, `write ${key}: [{name: …}]`);
  const path = usable.flatMap((entry) => [entry['name'], entry['src']]).find((name) => typeof name === 'string' && name.startsWith('$.'));
  if (path !== undefined)
    section.refuse(key, `JSON paths are not taken, found "${String(path)}"`, 'expand the JSON column first, with the filter expand_json');
  return usable;
}

function madeColumn(section: Section, entry: Mapping): JsonObject {
  const { name = null, src, default: standard, type, format, timezone } = entry;
  const isTime = type === 'timestamp' || format !== undefined;
  const pattern = format ?? (isTime ? section.given['default_timestamp_format'] : undefined);
  const zone = timezone ?? (isTime ? section.given['default_timezone'] : undefined);
  const empty = src === undefined && standard === undefined;
  return {
    name,
    ...(src === undefined || src === name ? {} : { from: src }),
    ...(empty ? { expression: 'CAST(NULL AS VARCHAR)' } : {}),
    ...(type === undefined || (src !== undefined && standard === undefined) ? {} : { type }),
    ...(pattern === undefined || src !== undefined ? {} : { format: pattern }),
    ...(zone === undefined || src !== undefined ? {} : { timezone: zone }),
    ...(standard === undefined || standard === null ? {} : { default: standard }),
  };
}

function nameOf(entry: Mapping): JsonValue {
  return entry['name'] ?? null;
}
