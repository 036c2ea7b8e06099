/** Configs of Embulk: told apart from native ones, converted, and written out in the native form. */
export { describeNote, type Conversion } from './convert.js';
export { findSign } from './find-sign.js';
export { holdExpressions, type HeldTemplate } from './held-template.js';
export { makeNativeDocument, rewriteSigned } from './native-document.js';
export type { ConversionNote } from './section.js';
export type { ConversionOptions, OptionRule, PluginTable } from './option-table.js';
export { EMBULK_TABLES } from './tables/index.js';
export { writeNativeConfig } from './write-config.js';
