import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ConfigError, DataError, defineFileInput, fileSystemError, RemoteError, type PluginContext, type SourceFile } from '../../core/spi/index.js';
import { assertReadable, lookAt } from './ask-disk.js';
import { findByPaths, findByPrefix, type FoundFile } from './find-files.js';
import { readPartition } from '../shared/hive-folders.js';
import { fileInputSchema } from './schema.js';
import { keepStdin } from './stdin.js';

export interface FileInputConfig {
  readonly type: 'file';
  readonly path_prefix?: string;
  readonly paths?: readonly string[];
  readonly last_path?: string;
  readonly follow_symlinks?: boolean;
  readonly hive_partitioning?: boolean;
  readonly allow_empty?: boolean;
}

const STDIN = '-';
const STATS_AT_ONCE = 64;

export default defineFileInput<FileInputConfig>({
  kind: 'input',
  form: 'files',
  type: 'file',
  summary: 'Reads files of this machine: by prefix, by paths and globs, or from standard input.',
  stability: 'stable',
  schema: fileInputSchema,
  examples: [
    {
      title: 'All files that start with a prefix',
      config: { type: 'file', path_prefix: 'data/orders_', parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] } },
    },
    { title: 'Globs', config: { type: 'file', paths: ['data/**/*.csv.gz'], parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] } } },
  ],

  async list(config, ctx) {
    if ((config.path_prefix === undefined) === (config.paths === undefined)) {
      throw new ConfigError({
        code: 'FILE_INPUT_PATHS',
        message: `in: expected either path_prefix or paths, found ${config.paths === undefined ? 'neither' : 'both'}`,
        hint: 'give one of them, e.g. path_prefix: data/orders_ or paths: ["data/**/*.csv"]',
        where: ctx.place.at('path_prefix'),
      });
    }
    if (config.paths?.includes(STDIN) === true) {
      if (config.paths.length === 1) {
        const { path, size } = await keepStdin(ctx);
        return [{ name: STDIN, size, keptAt: path }];
      }
      throw new ConfigError({
        code: 'FILE_INPUT_PATHS',
        message: 'in.paths: "-" (standard input) cannot be read together with files',
        hint: 'give it as the only path',
        where: ctx.place.at('paths'),
      });
    }
    const options = { root: ctx.root, followSymlinks: config.follow_symlinks ?? false, signal: ctx.signal };
    const found = config.paths ? await findByPaths(config.paths, options) : await findByPrefix(config.path_prefix as string, options);
    if (found.length === 0 && config.allow_empty !== true) {
      const asked = config.paths ? config.paths.map((p) => JSON.stringify(p)).join(', ') : JSON.stringify(config.path_prefix);
      throw new ConfigError({
        code: 'NO_FILES',
        message: `in.${config.paths ? 'paths' : 'path_prefix'}: no file matches ${asked} below ${ctx.root}`,
        hint:
          sep === '/' && ctx.root.includes('\\') && asked.includes('*')
            ? 'no wildcard finds files below a folder whose name holds a backslash: name the files or their folder, or move the project'
            : 'check the path (names starting with "." or "_" are left out), or set allow_empty: true',
        where: ctx.place.at(config.paths ? 'paths' : 'path_prefix'),
      });
    }
    const files: SourceFile[] = [];
    const last = config.last_path === undefined ? undefined : Buffer.from(resolve(ctx.root, config.last_path));
    const wanted = last ? found.filter((file) => Buffer.compare(Buffer.from(file.path), last) > 0) : found;
    for (let i = 0; i < wanted.length; i += STATS_AT_ONCE) {
      files.push(...(await Promise.all(wanted.slice(i, i + STATS_AT_ONCE).map((file) => describeFile(file, config, ctx)))));
      await setImmediate();
      ctx.signal.throwIfAborted();
    }
    return files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  },

  async open(file, _config, ctx) {
    const path = file.keptAt ?? pathOf(file.name, ctx.root);
    try {
      await assertReadable(path);
    } catch (error) {
      throw unreadable(error, file.name);
    }
    return { path };
  },

  async stat(file, _config, ctx) {
    try {
      if (file.keptAt !== undefined) return { ...file, size: (await lookAt(file.keptAt)).size };
      const facts = await lookAt(pathOf(file.name, ctx.root));
      return { ...file, size: facts.size, modified: Math.trunc(facts.mtimeMs) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(error, file.name);
    }
  },
});

async function describeFile(found: FoundFile, config: FileInputConfig, ctx: PluginContext): Promise<SourceFile> {
  const name = nameOf(found.path, ctx.root);
  const partition = config.hive_partitioning === false ? undefined : readPartition(found.path, found.base);
  try {
    const facts = await lookAt(found.path);
    return { name, size: facts.size, modified: Math.trunc(facts.mtimeMs), ...(partition === undefined ? {} : { partition }) };
  } catch (error) {
    throw unreadable(error, name);
  }
}

/** Paths below the root are named relative to it, so that a project can be moved. */
function nameOf(path: string, root: string): string {
  // As a rule, and a hundred times as fast.
  if (path.startsWith(root + sep) && !path.includes(`${sep}.`)) return path.slice(root.length + 1);
  const below = relative(root, path);
  return below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) ? path : below;
}

function pathOf(name: string, root: string): string {
  return isAbsolute(name) ? name : join(root, name);
}

function unreadable(error: unknown, name: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new DataError({
      code: 'FILE_VANISHED',
      message: `${name}: the file vanished after it was found`,
      hint: 'run again: a new plan is made from the files that are there',
      where: { file: name },
      cause: error,
    });
  }
  if (code !== 'EACCES' && code !== 'EPERM') return fileSystemError(error, `reading ${JSON.stringify(name)}`);
  return new RemoteError({
    code: 'FILE_UNREADABLE',
    message: `${JSON.stringify(name)}: this user may not read the file`,
    hint: 'check the permissions of the file and of its folders',
    retryable: false,
    cause: error,
    where: { file: name },
  });
}
