import { glob } from 'tinyglobby';
import { join } from 'node:path';
import { loadDrafts, type PipelineOptions } from '../../core/config/index.js';
import { SluiceError, type JsonObject } from '../../core/spi/index.js';
import { rewriteSigned } from '../../embulk/index.js';
import { HttpError } from './problem.js';
import type { HttpPipeline } from './dependencies.js';

/** The folder whose files may be run by name over HTTP. */
const FOLDER = 'pipelines';
/** Stands for the nominal time while a file is read for its connections. */
const SOME_TIME = '2026-01-01T00:00:00Z';

/**
 * The pipeline files of a project: `pipelines/shop/orders.yml`, or `.yml.liquid`, has the name `shop/orders`; what
 * templates include (`_*.liquid`) is none. They are only looked up here; the
 * worker that runs one reads it.
 */
export async function listPipelines(root: string, options: Omit<PipelineOptions, 'scheduledTime' | 'cwd'>): Promise<readonly HttpPipeline[]> {
  const files = await glob([`${FOLDER}/**/*.{yml,yaml,yml.liquid,yaml.liquid}`, '!**/_*.liquid'], {
    cwd: root,
    dot: false,
    followSymbolicLinks: false,
  });
  return files.sort().map((file) => ({
    name: file.slice(FOLDER.length + 1).replace(/\.ya?ml(\.liquid)?$/, ''),
    file,
    connections: () => connectionsOf(root, file, options),
  }));
}

async function connectionsOf(root: string, file: string, options: Omit<PipelineOptions, 'scheduledTime' | 'cwd'>): Promise<readonly string[]> {
  try {
    const drafts = await loadDrafts(join(root, file), { ...options, cwd: root, scheduledTime: SOME_TIME, rewrite: rewriteSigned });
    const sections = drafts.flatMap(({ definition }) => [definition['in'], definition['out']].flat());
    const names = sections.map((section) => (section as JsonObject | undefined)?.['connection']);
    return [...new Set(names.filter((name) => typeof name === 'string'))].sort();
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new HttpError(409, { code: error.code, message: `${file} is not a pipeline that can run`, hint: `\`sluice check ${file}\` tells why` });
  }
}
