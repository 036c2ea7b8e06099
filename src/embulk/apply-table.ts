import { didYouMean, type JsonValue } from '../core/spi/index.js';
import type { ConversionOptions, PluginTable } from './option-table.js';
import type { Section } from './section.js';

/** Converts all keys of a section but `skip`, by its plugin's table. */
export function applyTable(section: Section, table: PluginTable, options: ConversionOptions, skip: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(section.given)) if (!skip.has(key)) applyRule(section, table, key, value);
  table.complete?.(section, options);
}

function applyRule(section: Section, table: PluginTable, key: string, value: JsonValue): void {
  const rule = table.options.find((option) => option.key === key);
  if (rule === undefined) {
    if (table.additions?.includes(key)) section.set(key, value);
    else refuseUnknown(section, table, key);
  } else if (rule.fate === 'ignored') section.ignore(key, rule.note);
  else if (rule.fate === 'refused') section.refuse(key, `${nameOf(table)}: ${key} has no counterpart`, rule.note);
  else if (rule.convert) rule.convert(section, value);
  else section.set(key, value);
}

function refuseUnknown(section: Section, table: PluginTable, key: string): void {
  const known = table.options.map((option) => option.key).filter((name) => !/[.[]/.test(name));
  section.refuse(
    key,
    `${nameOf(table)} has no option "${key}"${didYouMean(key, [...known, ...(table.additions ?? [])])}`,
    known.length === 0 ? 'it has no options' : `its options: ${known.join(', ')}`,
  );
}

function nameOf(table: PluginTable): string {
  return table.kind === 'exec' ? 'exec of Embulk' : `${table.kind} ${table.type} of Embulk`;
}
