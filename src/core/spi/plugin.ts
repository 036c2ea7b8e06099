import type { JsonObject, JsonValue } from './json.js';

/**
 * A plugin's config schema: JSON Schema (draft-07 vocabulary), `additionalProperties: false`. The single source of
 * validation, defaults, reference docs and the editor schema. Own keywords: `x-secret: true` (the value is redacted and
 * arrives as a `Secret`), `x-advanced: true` (docs list it last), `x-column-type: true` (text that must name a column
 * type), `x-expected: "a size such as 800MB"` (words for the error of a `pattern` or `oneOf`).
 */
export type ConfigSchema = { readonly type: 'object'; readonly [key: string]: unknown };

export type PluginKind = 'input' | 'output' | 'filter' | 'parser' | 'decoder' | 'formatter' | 'encoder' | 'guess';

/** What every plugin declares. `define*` functions return their argument; they exist for type inference. */
export interface PluginDeclaration {
  readonly kind: PluginKind;
  /** The word behind `type:` in a config. */
  readonly type: string;
  /** One sentence for the docs and `--help`. */
  readonly summary: string;
  readonly stability: 'stable' | 'beta' | 'experimental';
  readonly schema: ConfigSchema;
  /** Complete, valid configs of this plugin; shown in the docs and validated by the tests. */
  readonly examples: readonly { readonly title: string; readonly config: JsonObject }[];
}

/** Where in its file a config key stands; plugins use it to place their own errors. */
export interface ConfigPlace {
  /** `path` is relative to the plugin's own section, e.g. `columns[2].format`. */
  at(path: string): { file?: string; line?: number; column?: number; path?: string };
}

export type { JsonValue };
