import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigErrors, loadPipelines } from '../../src/core/config/index.js';
import type { PipelineConfig, PipelineOptions } from '../../src/core/config/index.js';
import { ConfigError } from '../../src/core/spi/index.js';
import { fixtureRegistry } from './fixture-plugins.js';

/** A temporary project folder with these files; `use` gets its path, and it is removed afterwards. */
export async function withFolder<T>(files: { readonly [path: string]: string }, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-config-')));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Loads `name` of a folder with these files, as a user in that folder would. */
export function load(
  files: { readonly [path: string]: string },
  name: string,
  options: Partial<PipelineOptions> = {},
): Promise<readonly PipelineConfig[]> {
  return withFolder(files, (folder) => loadPipelines(join(folder, name), { registry: fixtureRegistry(), cwd: folder, env: {}, ...options }));
}

/** The problems of a config that must not load. */
export async function problemsOf(work: () => Promise<unknown>): Promise<readonly ConfigError[]> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ConfigErrors) return error.details;
    if (error instanceof ConfigError) return [error];
    throw error;
  }
  throw new Error('expected a ConfigError, but the config loaded');
}

export const GOOD = `in:
  type: file
  path_prefix: ./data/orders_
  parser:
    type: csv
    columns:
      - {name: id, type: long}
out:
  type: warehouse
  table: shop.orders
`;
