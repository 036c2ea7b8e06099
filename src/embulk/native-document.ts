import type { ConfigDocument } from '../core/config/index.js';
import { makeProblem, throwProblems } from '../core/config/problem.js';
import { convertConfig, type Conversion } from './convert.js';
import { asMapping } from './mapping.js';
import { findSign } from './find-sign.js';
import type { ConversionOptions } from './option-table.js';

/**
 * A config of Embulk as a native document whose places lead back into the user's file. Throws ConfigErrors EMBULK_OPTION,
 * EMBULK_PLUGIN with all options that have no counterpart.
 */
export function makeNativeDocument(
  document: ConfigDocument,
  options: ConversionOptions,
): { readonly document: ConfigDocument; readonly conversion: Conversion | undefined } {
  const root = asMapping(document.value);
  // What is no mapping at all is told by the native reader.
  if (root === undefined) return { document, conversion: undefined };
  const conversion = convertConfig(root, options);
  throwProblems(conversion.problems.map(({ path, code, text, hint }) => makeProblem({ code, text, hint, where: document.locate(path, 'key') })));
  return {
    document: { ...document, value: conversion.value, locate: (path, part) => document.locate(conversion.origin(path), part) },
    conversion,
  };
}

/** For `rewrite` of the loading functions where nobody reads notes: a config with a sign of Embulk, as `sluice run` reads it. */
export function rewriteSigned(document: ConfigDocument): ConfigDocument {
  if (findSign(document.value) === undefined) return document;
  return makeNativeDocument(document, { incremental: false, defaults: true }).document;
}
