import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecConfig } from '../core/config/index.js';
import type { GuessedConfig } from '../core/engine/guess/index.js';
import type { Configured } from '../core/engine/pipeline.js';
import {
  ConfigError,
  type FileInputPlugin,
  type GuessPlugin,
  type InputPlugin,
  type JsonObject,
  type PluginContext,
  type SourceFile,
} from '../core/spi/index.js';
import { BUILTIN_PLUGINS } from '../plugins/builtins.js';
import type { CommandContext } from './command.js';
import { leaveToNames } from './mixed-decoders.js';
import type { Session } from './session.js';

export interface GuessSource {
  readonly input: Configured<InputPlugin | FileInputPlugin>;
  /** The `in` section so far. */
  readonly inSection: JsonObject;
  readonly exec: Pick<ExecConfig, 'guessPlugins' | 'excludeGuessPlugins' | 'guessSampleBufferBytes'>;
  /** Further guess plugins of the command line. */
  readonly plugins: readonly string[];
}

export interface GuessedSource {
  readonly guessed: GuessedConfig;
  /** All that match; the sample is from one of them. */
  readonly files: readonly SourceFile[];
}

/** Completes an `in` section from a sample of its files. Errors: ConfigError NO_FILES, GUESS_EMPTY, GUESS_FORMAT, UNKNOWN_PLUGIN. */
export async function guessSource(context: CommandContext, session: Session, source: GuessSource): Promise<GuessedSource> {
  const { plugin } = source.input;
  if (plugin.form !== 'files') return guessTables(context, session, source, plugin);
  const input: Configured<FileInputPlugin> = { ...source.input, plugin };
  const { chooseSampleFile, guessConfig, readSample } = await import('../core/engine/guess/index.js');
  const { openDatabase } = await import('../core/duckdb/index.js');
  const tempDir = join(session.project.root, '.sluice', 'tmp', `guess-${process.pid}`);
  await mkdir(tempDir, { recursive: true });
  const database = await openDatabase({ threads: 1, tempDirectory: tempDir });
  const sql = await database.connect();
  try {
    const ctx = { ...pluginContext(context, session, tempDir), sql };
    const files = await plugin.list(input.config, { ...ctx, place: input.place });
    const file = chooseSampleFile(files);
    if (!file || file.size === 0) throw emptySample(files);
    const decoders = await session.registry.all('decoder');
    const found = await guessConfig({
      in: source.inSection,
      plugins: await guessPlugins(session, [...source.exec.guessPlugins, ...source.plugins]),
      exclude: source.exec.excludeGuessPlugins,
      readSample: (section) => readSample(input, file, section, decoders, source.exec.guessSampleBufferBytes, ctx),
      ctx,
    });
    const guessed = source.inSection['decoders'] === undefined ? leaveToNames(found, file, files, decoders) : found;
    const parser = guessed.in['parser'] as JsonObject | undefined;
    if (typeof parser?.['type'] !== 'string') throw unknownFormat(file, guessed.warnings);
    const missing = await missingColumns(session, parser['type'], parser);
    return { guessed: missing === undefined ? guessed : { ...guessed, warnings: [...guessed.warnings, missing] }, files };
  } finally {
    sql.close();
    database.close();
    await rm(tempDir, { recursive: true, force: true });
  }
}

/** Inputs that are no files look at their source themselves. */
async function guessTables(context: CommandContext, session: Session, source: GuessSource, plugin: InputPlugin): Promise<GuessedSource> {
  if (!plugin.guess) {
    throw new ConfigError({
      code: 'GUESS_INPUT',
      message: `guess: the input ${plugin.type} has nothing to guess`,
      hint: `write its config yourself; see docs/reference/plugins/input-${plugin.type.replaceAll('_', '-')}.md`,
    });
  }
  const { mergeUnder } = await import('../core/engine/guess/index.js');
  const tempDir = join(session.project.root, '.sluice', 'tmp', `guess-${process.pid}`);
  const result = await plugin.guess(source.input.config, pluginContext(context, session, tempDir));
  const { notes, warnings, timeColumn } = result;
  return {
    guessed: { in: mergeUnder(source.inSection, result.in), notes, warnings, ...(timeColumn === undefined ? {} : { timeColumn }) },
    files: [],
  };
}

function pluginContext({ environment, out, signal }: CommandContext, session: Session, tempDir: string): PluginContext {
  return {
    signal,
    log: out.logger,
    clock: environment.clock,
    root: session.project.root,
    tempDir,
    reach: (point) => environment.reach(point),
    resource: (name) => session.resource(name),
  };
}

/** The built-in ones, and those that were named. */
async function guessPlugins(session: Session, named: readonly string[]): Promise<readonly GuessPlugin[]> {
  const builtin = BUILTIN_PLUGINS.filter((plugin) => plugin.kind === 'guess').map((plugin) => plugin.type);
  return Promise.all([...new Set([...builtin, ...named])].map((type) => session.registry.get('guess', type)));
}

/** A parser that no guess plugin reads, and that needs to be told its columns. */
async function missingColumns(session: Session, type: string, parser: JsonObject): Promise<string | undefined> {
  const required = (await session.registry.get('parser', type)).schema['required'];
  if (parser['columns'] !== undefined || !Array.isArray(required) || !required.includes('columns')) return undefined;
  return `nothing tells the columns of a ${type} file: write parser.columns yourself; see docs/reference/plugins/parser-${type}.md`;
}

function emptySample(files: readonly SourceFile[]): ConfigError {
  return new ConfigError({
    code: 'GUESS_EMPTY',
    message:
      files.length === 0
        ? 'guess: no file matches'
        : `guess: ${files.length === 1 ? `${files[0]?.name ?? ''} is empty` : `all ${files.length} files are empty`}`,
    hint: 'a sample with some records is needed to find the columns',
  });
}

function unknownFormat(file: SourceFile, warnings: readonly string[]): ConfigError {
  return new ConfigError({
    code: 'GUESS_FORMAT',
    message: `guess: the format of ${file.name} was not recognised${warnings.map((warning) => `; ${warning}`).join('')}`,
    hint: 'write a config with the parser yourself; see docs/reference/plugins',
  });
}
