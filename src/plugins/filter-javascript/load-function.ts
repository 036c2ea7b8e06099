import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import { type ConfigError, type FilterPlanContext } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import type { JavascriptConfig } from './schema.js';

export type RowFunction = (row: Readonly<Record<string, unknown>>) => unknown;

/** The function of the config, from its text or from a module of the project. */
export async function loadFunction(config: JavascriptConfig, ctx: FilterPlanContext): Promise<RowFunction> {
  if ((config.function === undefined) === (config.file === undefined)) {
    throw configProblem(ctx.place, '', {
      code: 'FILTER_OPTIONS',
      message: `expected exactly one of function and file, got ${config.file === undefined ? 'neither' : 'both'}`,
      hint: 'write the function inline, or name a module',
    });
  }
  const key = config.file === undefined ? 'function' : 'file';
  const found = config.file === undefined ? evaluate(config.function ?? '', ctx) : await importDefault(config.file, ctx);
  if (typeof found === 'function') return found as RowFunction;
  throw configProblem(ctx.place, key, {
    code: 'JAVASCRIPT_INVALID',
    message: `expected a function, got ${found === null ? 'null' : typeof found}`,
    hint: key === 'file' ? 'the module must `export default` the function' : 'write e.g. `row => row.amount > 0`',
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
    throw configProblem(ctx.place, 'file', {
      code: 'JAVASCRIPT_INVALID',
      message: `${JSON.stringify(file)} lies outside of the project`,
      hint: 'code is loaded from the project only: move the module below its root',
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
  return configProblem(ctx.place, key, {
    code: 'JAVASCRIPT_INVALID',
    message,
    hint: 'the JavaScript must load without an error in Node.js',
    cause,
  });
}
