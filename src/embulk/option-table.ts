import type { JsonValue } from '../core/spi/index.js';
import { quoteExpression } from './held-template.js';
import type { Section } from './section.js';

/** What becomes of an option: it means the same, is written another way, has no effect here, or is an error. */
export type Fate = 'same' | 'mapped' | 'ignored' | 'refused';

/** One option of a plugin of Embulk. */
export interface OptionRule {
  /** Its key; `columns[].format` documents a nested one, which is judged by the native schema. */
  readonly key: string;
  readonly fate: Fate;
  /** For the docs; of ignored options the reason, of refused ones the hint. */
  readonly note: string;
  /** A native config has no use for it: a config with it is one of Embulk. */
  readonly sign?: boolean;
  /** Writes the native keys. Default: the same key with the same value. */
  convert?(section: Section, value: JsonValue): void;
}

export type TableKind = 'exec' | 'input' | 'parser' | 'decoder' | 'filter' | 'output' | 'formatter' | 'encoder';

/** What the conversion was asked for. */
export interface ConversionOptions {
  /** A state is kept (`-c`): inputs read what is new. Without it everything is read at each run. */
  readonly incremental: boolean;
  /** Write out Embulk's defaults where the native ones differ; false for seeds of guess. */
  readonly defaults: boolean;
}

/** All options of one plugin of Embulk: the source of the conversion and of docs/reference/embulk-options.md. */
export interface PluginTable {
  readonly kind: TableKind;
  /** Its `type`; empty for `exec`. */
  readonly type: string;
  /** Where Embulk's users know it from. */
  readonly plugin: string;
  readonly options: readonly OptionRule[];
  /** Native keys that a user may add to such a section, because an error asked for them. */
  readonly additions?: readonly string[];
  /** What follows from all options together; defaults of Embulk only where `options.defaults` says so. */
  complete?(section: Section, options: ConversionOptions): void;
  /** Filters that become none or several. Default: one. */
  split?(section: Section): readonly { readonly [key: string]: JsonValue }[];
  /** The whole plugin is a sign of Embulk's form. */
  readonly sign?: boolean;
}

/** Any value, unchanged. */
export function same(key: string, note = ''): OptionRule {
  return { key, fate: 'same', note };
}

/** Text; Embulk also takes a number. */
export function text(key: string, note = ''): OptionRule {
  return {
    ...same(key, note),
    convert: (section, value) => section.set(key, asText(value)),
  };
}

/** A number; Embulk also takes it as text, as templates write it. */
export function number(key: string, note = ''): OptionRule {
  return {
    ...same(key, note),
    convert: (section, value) => section.set(key, asNumber(value)),
  };
}

/** A boolean; Embulk also takes it as text. */
export function flag(key: string, note = ''): OptionRule {
  return { ...same(key, note), convert: (section, value) => section.set(key, asFlag(value)) };
}

function asText(value: JsonValue): JsonValue {
  return quoteExpression(value, true) ?? (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value);
}

function asNumber(value: JsonValue): JsonValue {
  const isNumber = typeof value === 'string' && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value);
  return quoteExpression(value, false) ?? (isNumber ? Number(value) : value);
}

export function asFlag(value: JsonValue): JsonValue {
  return quoteExpression(value, false) ?? (value === 'true' ? true : value === 'false' ? false : value);
}

export function mapped(key: string, note: string, convert: NonNullable<OptionRule['convert']>): OptionRule {
  return { key, fate: 'mapped', note, convert };
}

export function ignored(key: string, note: string): OptionRule {
  return { key, fate: 'ignored', note };
}

export function refused(key: string, note: string): OptionRule {
  return { key, fate: 'refused', note };
}

/** A rule whose key no native config has. */
export function sign(rule: OptionRule): OptionRule {
  return { ...rule, sign: true };
}
