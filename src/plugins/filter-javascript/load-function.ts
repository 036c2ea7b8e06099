import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import { ConfigError, type FilterPlanContext } from '../../core/spi/index.js';
import type { JavascriptConfig } from './schema.js';

export type RowFunction = (row: Readonly<Record<string, unknown>>) => unknown;

/** The function of the config, from its text or from a module of the project. */
export async function loadFunction(config: JavascriptConfig, ctx: FilterPlanContext): Promise<RowFunction> {
  if ((config.function === undefined) === (config.file === undefined)) {
    throw new ConfigError({
      code: 'FILTER_OPTIONS',
      message: `expected exactly one of function and file, got ${config.file === undefined ? 'neither' : 'both'}`,
      hint: 'write the function inline, or name a module',
      where: ctx.place.at(''),
    });
  }
  const key = config.file === undefined ? 'function' : 'file';
  const found = config.file === undefined ? evaluate(config.function ?? '', ctx) : await importDefault(config.file, ctx);
  if (typeof found === 'function') return found as RowFunction;
  throw new ConfigError({
    code: 'JAVASCRIPT_INVALID',
    message: `${key}: expected a function, got ${found === null ? 'null' : typeof found}`,
    hint: key === 'file' ? 'the module must `export default` the function' : 'write e.g. `row => row.amount > 0`',
    where: ctx.place.at(key),
  });
}

function evaluate(text: string, ctx: FilterPlanContext): unknown {
  try {
    return runInThisContext(`(${text}\n)`, { filename: ctx.place.at('function').file ?? 'function' });
  } catch (error) {
    throw invalid('function', error, ctx);
  }
}

async function importDefault(file: string, ctx: FilterPlanContext): Promise<unknown> {
  let path: string;
  try {
    path = await realpath(resolve(ctx.root, file));
  } catch (error) {
    throw invalid('file', error, ctx);
  }
  const inside = relative(await realpath(ctx.root), path);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new ConfigError({
      code: 'JAVASCRIPT_INVALID',
      message: `file: ${JSON.stringify(file)} lies outside of the project`,
      hint: 'code is loaded from the project only: move the module below its root',
      where: ctx.place.at('file'),
    });
  }
  try {
    return ((await import(pathToFileURL(path).href)) as { readonly default?: unknown }).default;
  } catch (error) {
    throw invalid('file', error, ctx);
  }
}

function invalid(key: string, cause: unknown, ctx: FilterPlanContext): ConfigError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ConfigError({
    code: 'JAVASCRIPT_INVALID',
    message: `${key}: ${message}`,
    hint: 'the JavaScript must load without an error in Node.js',
    cause,
    where: ctx.place.at(key),
  });
}
