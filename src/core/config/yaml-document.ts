import type { Document, Node, Pair, ParsedNode } from 'yaml';
import type { ErrorPlace, JsonValue } from '../spi/index.js';
import { formatPath } from './config-path.js';
import type { ConfigPath } from './config-path.js';
import { makeProblem, throwProblems } from './problem.js';

/** How the text's lines relate to the file the user edits. */
export interface TextOrigin {
  /** The file as messages name it. */
  readonly file: string;
  /** False when the line's column cannot be told, because a template changed the line. */
  readonly exactColumn: (line: number) => boolean;
}

export interface YamlDocument {
  readonly value: JsonValue;
  /** Where the value (or, with `key`, its key) at a path stands; the nearest parent's place when the path is not in the file. */
  locate(path: ConfigPath, part?: 'key' | 'value'): ErrorPlace;
}

type Yaml = typeof import('yaml');

const MAX_ALIAS_NODES = 100_000;

/**
 * Parses YAML 1.2 (core schema: timestamps and `yes` stay strings, duplicate keys are errors; anchors and merge keys
 * are known). Numbers that JavaScript cannot hold exactly keep their text.
 */
export async function parseYaml(text: string, origin: TextOrigin): Promise<YamlDocument> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const placeOf = (offset: number, path?: ConfigPath): ErrorPlace => {
    const { line, col } = lines.linePos(offset);
    const known = line > 0 ? { line, ...(origin.exactColumn(line) ? { column: col } : {}) } : {};
    return { file: origin.file, ...known, ...(path === undefined || path.length === 0 ? {} : { path: formatPath(path) }) };
  };
  let document: Document.Parsed;
  try {
    document = yaml.parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: true,
      uniqueKeys: true,
      strict: true,
      prettyErrors: false,
      lineCounter: lines,
      logLevel: 'error',
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw makeProblem({
      code: 'CONFIG_SYNTAX',
      text: 'the YAML is nested too deeply',
      where: { file: origin.file },
      hint: 'flatten the config',
      cause: error,
    });
  }
  throwProblems(
    leadingErrors([...document.errors, ...document.warnings]).map((error) =>
      makeProblem({
        code: 'CONFIG_SYNTAX',
        text: describeSyntax(error.code, error.message),
        where: placeOf(error.pos[0]),
        hint: syntaxHint(error.code),
      }),
    ),
  );
  const reader = new ValueReader(yaml, document, text, placeOf);
  return { value: reader.read(), locate: (path, part = 'value') => reader.locate(path, part) };
}

/** A tab that indents breaks everything after it, and all that the parser says of it is one mistake. */
function leadingErrors<T extends { readonly code: string }>(errors: readonly T[]): readonly T[] {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  return tabs.length > 0 ? tabs : errors;
}

/** The parser's message without the file's own text, which may hold a password. */
function describeSyntax(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in one mapping';
  if (code === 'MULTIPLE_DOCS') return 'expected one YAML document, found a second one';
  return message.replace(/:?\s*"[\s\S]*$/, '').replace(/\s+/g, ' ');
}

function syntaxHint(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'remove or rename one of the two';
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'MULTIPLE_DOCS') return 'put several pipelines below `pipelines:` instead of separating them with ---';
  if (code === 'TAG_RESOLVE_FAILED') return 'remove the tag, or quote the value when the ! belongs to it';
  return 'check indentation, quotes and brackets at this place';
}

/** Turns YAML nodes into JSON values, and finds the node of a path again when an error needs its place. */
class ValueReader {
  readonly #yaml: Yaml;
  readonly #document: Document.Parsed;
  readonly #text: string;
  readonly #placeOf: (offset: number, path?: ConfigPath) => ErrorPlace;
  #aliasNodes = 0;

  constructor(yaml: Yaml, document: Document.Parsed, text: string, placeOf: (offset: number, path?: ConfigPath) => ErrorPlace) {
    this.#yaml = yaml;
    this.#document = document;
    this.#text = text;
    this.#placeOf = placeOf;
  }

  read(): JsonValue {
    return this.#value(this.#document.contents, [], 0);
  }

  locate(path: ConfigPath, part: 'key' | 'value'): ErrorPlace {
    let node: Node | null | undefined = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [depth, segment] of path.entries()) {
      const found = this.#child(node, segment);
      if (found === undefined) break;
      const last = depth === path.length - 1;
      const keyOffset = (found.key as Node | undefined)?.range?.[0];
      const valueOffset = found.value?.range?.[0];
      offset = (last && part === 'key' ? keyOffset : undefined) ?? valueOffset ?? keyOffset ?? offset;
      node = found.value;
    }
    return this.#placeOf(offset, path);
  }

  #child(parent: Node | null | undefined, segment: string | number): { key?: unknown; value: Node | null } | undefined {
    const node = this.#resolve(parent);
    if (this.#yaml.isSeq(node)) {
      const item = typeof segment === 'number' ? node.items[segment] : undefined;
      return item === undefined ? undefined : { value: item as Node };
    }
    if (!this.#yaml.isMap(node)) return undefined;
    const own = node.items.find((pair) => keyText(pair) === String(segment));
    if (own !== undefined) return { key: own.key, value: own.value as Node | null };
    for (const pair of node.items) {
      if (!this.#isMerge(pair)) continue;
      for (const source of this.#mergeSources(pair)) {
        const found = this.#child(source, segment);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #value(node: Node | null | undefined, path: ConfigPath, inAlias: number): JsonValue {
    if (inAlias > 0 && ++this.#aliasNodes > MAX_ALIAS_NODES)
      throw this.#problem(node, path, `expected at most ${MAX_ALIAS_NODES} values by way of anchors, found more`, 'write the values out');
    if (this.#yaml.isAlias(node)) {
      const target = this.#resolve(node);
      if (target === undefined || inAlias > 100) throw this.#problem(node, path, 'this alias leads to itself', 'remove the alias');
      return this.#value(target, path, inAlias + 1);
    }
    if (this.#yaml.isSeq(node)) return node.items.map((item, i) => this.#value(item as Node, [...path, i], inAlias));
    if (this.#yaml.isMap(node)) return this.#isPlaceholder(node) ? this.#source(node) : this.#mapping(node.items as Pair[], path, inAlias);
    if (this.#yaml.isScalar(node)) return this.#scalar(node.value, node.source, node, path);
    return null;
  }

  #mapping(pairs: readonly Pair[], path: ConfigPath, inAlias: number): JsonValue {
    const own: { [key: string]: JsonValue } = {};
    const merged: { [key: string]: JsonValue } = {};
    for (const pair of pairs) {
      if (this.#isMerge(pair)) {
        for (const source of this.#mergeSources(pair)) {
          const value = this.#value(source, path, inAlias + 1);
          if (typeof value !== 'object' || value === null || Array.isArray(value))
            throw this.#problem(pair.key, path, 'expected a mapping (or a list of them) after <<', 'point << at an anchor on a mapping');
          for (const [key, inner] of Object.entries(value)) if (!Object.hasOwn(merged, key)) merged[key] = inner;
        }
        continue;
      }
      const key = keyText(pair);
      if (key === undefined) throw this.#problem(pair.key, path, 'expected a word as key, found a list or mapping', 'quote the key');
      if (key === '__proto__') throw this.#problem(pair.key, path, 'this key is not allowed', 'remove it');
      own[key] = this.#value(pair.value as Node | null, [...path, key], inAlias);
    }
    return { ...merged, ...own };
  }

  #scalar(value: unknown, source: string | undefined, node: Node, path: ConfigPath): JsonValue {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value !== 'number') return source ?? null;
    if (!Number.isFinite(value)) throw this.#problem(node, path, 'infinity and NaN are no config values', 'quote it to mean the text');
    if (Number.isInteger(value) && Number.isSafeInteger(value)) return value;
    const digits = (source ?? '').replace(/e.*$/i, '').replace(/[^\d]/g, '').replace(/^0+/, '');
    return digits.length > 15 && source !== undefined ? source : value;
  }

  /** `{{ scheduled_time }}` without quotes is a mapping for YAML. */
  #isPlaceholder(node: Node): boolean {
    return /^\{\{\s*[\w.]+\s*\}\}$/.test(this.#source(node));
  }

  #source(node: Node): string {
    const range = node.range;
    return range ? this.#text.slice(range[0], range[1]) : '';
  }

  #isMerge(pair: Pair): boolean {
    return this.#yaml.isScalar(pair.key) && pair.key.source === '<<' && pair.key.type === 'PLAIN';
  }

  #mergeSources(pair: Pair): readonly (Node | null)[] {
    const value = this.#resolve(pair.value as Node | null);
    return this.#yaml.isSeq(value) ? (value.items as Node[]) : [value ?? null];
  }

  #resolve(node: Node | null | undefined): Node | null | undefined {
    return this.#yaml.isAlias(node) ? (node.resolve(this.#document) as ParsedNode | undefined) : node;
  }

  #problem(node: unknown, path: ConfigPath, text: string, hint: string) {
    return makeProblem({ code: 'CONFIG_SYNTAX', text, where: this.#placeOf((node as Node | null)?.range?.[0] ?? 0, path), hint });
  }
}

function keyText(pair: Pair): string | undefined {
  const key = pair.key as { value?: unknown; source?: string } | null;
  if (key === null) return '';
  if (typeof key.value === 'string') return key.value;
  if (key.value === null) return key.source ?? '';
  return typeof key.value === 'number' || typeof key.value === 'boolean' ? (key.source ?? String(key.value)) : undefined;
}
