import { didYouMean, type JsonObject, type JsonValue } from '../core/spi/index.js';
import { formatPath } from '../core/config/index.js';
import type { ConfigPath } from '../core/config/config-path.js';
import { applyTable } from './apply-table.js';
import { asMapping } from './mapping.js';
import type { ConversionOptions, PluginTable, TableKind } from './option-table.js';
import { ConversionLog, Section, type ConversionNote, type ConversionProblem } from './section.js';
import { findTable, hintFor } from './tables/index.js';

/** A config of Embulk in the native form. */
export interface Conversion {
  readonly value: JsonObject;
  readonly notes: readonly ConversionNote[];
  /** Options that cannot be converted; `value` is then incomplete. */
  readonly problems: readonly ConversionProblem[];
  /** Where a place of `value` comes from. */
  origin(path: ConfigPath): ConfigPath;
}

const TOP_KEYS = ['in', 'filters', 'out', 'exec', 'preview_sample_rows', 'name'];

/** Converts a whole config. What the tables do not know (plugins of this program's own) passes unchanged. */
export function convertConfig(value: JsonObject, options: ConversionOptions): Conversion {
  const log = new ConversionLog();
  const converter = new Converter(log, options);
  const native: { [key: string]: JsonValue } = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'in') native[key] = converter.input(inner);
    else if (key === 'filters') native[key] = converter.filters(inner);
    else if (key === 'out') native[key] = converter.output(inner);
    else if (key === 'exec') native[key] = converter.exec(inner);
    else if (key === 'preview_sample_rows' || key === 'name') native[key] = inner;
    else
      log.problems.push({
        path: [key],
        code: 'EMBULK_OPTION',
        text: `a config of Embulk has no section "${key}"${didYouMean(key, TOP_KEYS)}`,
        hint: 'its sections: in, filters, out, exec',
      });
  }
  return { value: native, notes: log.notes, problems: log.problems, origin: (path) => originOf(log, path) };
}

function originOf(log: ConversionLog, path: ConfigPath): ConfigPath {
  const fits = log.origins.filter(({ native }) => native.length <= path.length && native.every((part, i) => part === path[i]));
  const best = fits.reduce<(typeof fits)[number] | undefined>((a, b) => (a === undefined || b.native.length > a.native.length ? b : a), undefined);
  return best === undefined ? path : [...best.source, ...path.slice(best.native.length)];
}

class Converter {
  readonly #log: ConversionLog;
  readonly #options: ConversionOptions;

  constructor(log: ConversionLog, options: ConversionOptions) {
    this.#log = log;
    this.#options = options;
  }

  input(value: JsonValue): JsonValue {
    return this.#plugin('input', value, ['in'], ['in'], (given) => ({
      ...this.#list('decoder', 'decoders', given, ['in']),
      ...(given['parser'] === undefined ? {} : { parser: this.#plugin('parser', given['parser'], ['in', 'parser'], ['in', 'parser']) }),
    }));
  }

  output(value: JsonValue): JsonValue {
    return this.#plugin('output', value, ['out'], ['out'], (given) => ({
      ...(given['formatter'] === undefined
        ? {}
        : { formatter: this.#plugin('formatter', given['formatter'], ['out', 'formatter'], ['out', 'formatter']) }),
      ...this.#list('encoder', 'encoders', given, ['out']),
    }));
  }

  exec(value: JsonValue): JsonValue {
    const given = asMapping(value);
    const table = findTable('exec', '');
    if (given === undefined || table === undefined) return value ?? {};
    const section = new Section(given, this.#log, ['exec'], ['exec']);
    applyTable(section, table, this.#options, new Set());
    return section.out;
  }

  filters(value: JsonValue): JsonValue {
    if (!Array.isArray(value)) return value ?? [];
    const native: JsonValue[] = [];
    for (const [i, entry] of (value as readonly JsonValue[]).entries()) {
      const source = ['filters', i];
      const table = this.#tableOf('filter', entry, source);
      const given = asMapping(entry);
      if (table?.split === undefined || given === undefined) {
        native.push(this.#plugin('filter', entry, source, ['filters', native.length]));
        continue;
      }
      const section = new Section(given, this.#log, source, ['filters', native.length]);
      applyTable(section, table, this.#options, new Set(['type']));
      const made = table.split(section);
      for (const [offset] of made.entries()) this.#log.origins.push({ native: ['filters', native.length + offset], source });
      native.push(...made);
    }
    return native;
  }

  #list(kind: 'decoder' | 'encoder', key: string, given: JsonObject, base: ConfigPath): { [key: string]: JsonValue } {
    const value = given[key];
    if (value === undefined || !Array.isArray(value)) return value === undefined ? {} : { [key]: value };
    return { [key]: (value as readonly JsonValue[]).map((entry, i) => this.#plugin(kind, entry, [...base, key, i], [...base, key, i])) };
  }

  /** One section; `nested` makes the sections within it, which replace the keys of the same name. */
  #plugin(
    kind: TableKind,
    value: JsonValue,
    source: ConfigPath,
    native: ConfigPath,
    nested?: (given: JsonObject) => { [key: string]: JsonValue },
  ): JsonValue {
    const given = asMapping(value);
    if (given === undefined) return value;
    const table = this.#tableOf(kind, value, source);
    const inner = nested?.(given) ?? {};
    const type = typeOf(given['type']);
    if (table === undefined) return { ...given, ...(type === undefined ? {} : { type }), ...inner };
    const section = new Section(given, this.#log, source, native);
    applyTable(section, table, this.#options, new Set(['type', ...Object.keys(inner)]));
    return { type: table.type, ...section.out, ...inner };
  }

  #tableOf(kind: TableKind, value: JsonValue, source: ConfigPath): PluginTable | undefined {
    const type = typeOf(asMapping(value)?.['type']);
    if (type === undefined) return undefined;
    const table = findTable(kind, type);
    const hint = table === undefined ? hintFor(type) : undefined;
    if (hint !== undefined) {
      this.#log.problems.push({ path: [...source, 'type'], code: 'EMBULK_PLUGIN', text: `the ${kind} ${type} of Embulk has no counterpart`, hint });
    }
    return table;
  }
}

/** `mysql`, `embulk:mysql`, `{name: mysql, source: maven, …}`; YAML's null is the output of that name. */
export function typeOf(type: JsonValue | undefined): string | undefined {
  if (type === null) return 'null';
  if (typeof type === 'string') return type.replace(/^embulk:/, '');
  const name = type === undefined ? undefined : asMapping(type)?.['name'];
  return typeof name === 'string' ? name : undefined;
}

/** `in.fetch_rows: rows are streamed`. */
export function describeNote(note: ConversionNote): string {
  const what = note.fate === 'ignored' ? 'has no effect: ' : note.fate === 'added' ? 'added: ' : '';
  return `${formatPath(note.fate === 'added' ? note.native : note.path)}: ${what}${note.text}`;
}
