import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline as pump } from 'node:stream/promises';
import type { GuessedConfig } from '../../core/engine/guess/index.js';
import { fileSystemError, makeFolders, type JsonObject, type SourceFile } from '../../core/spi/index.js';
import { formatTableName, parseTableName } from '../../warehouse/index.js';
import { flag, list, text, type Command, type CommandContext } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { formatBytes, formatCount, printable } from '../format.js';
import { guessSource } from '../guess-source.js';
import { formatGuess, schemaPath, timeKeys } from '../guessed-config.js';
import { writeNewFile } from '../new-file.js';
import { withSession, type Session } from '../session.js';
import { usageError } from '../subcommand.js';
import { traced } from '../traced.js';
import { guessNames } from './guess.js';
import { execOverrides, printSummaries, runConfigs } from './run.js';

const MODES = ['append', 'replace'];

export const command: Command = {
  name: 'load',
  usage: 'PATH... --into TABLE',
  summary: 'Load files into a table: guess format and types, show the plan, load.',
  details:
    'PATH is a file, a folder, a glob or - for stdin. Several tables at once: repeat --into TABLE=PATH. Files that were loaded into the table before are skipped. ' +
    'Where nobody can be asked, --yes is needed.',
  options: {
    into: { value: 'TABLE[=PATH]', multiple: true, help: 'the table; with =PATH, what goes into it' },
    mode: { value: 'MODE', help: 'append (default) or replace' },
    'time-column': { value: 'COLUMN', help: 'the event time, by which a new table is partitioned (default: guessed)' },
    'partition-by': { value: 'FIELD', multiple: true, help: 'partition of a new table, e.g. "month(ordered_at)"' },
    'max-rejects': { value: 'N|P%', help: 'bad records that may be left out (default: 0)' },
    guess: { short: 'g', value: 'NAMES', multiple: true, help: 'further guess plugins to try, separated by commas' },
    save: { value: 'FILE.yml', help: 'keep the config that was used' },
    force: { help: 'overwrite the file of --save' },
    yes: YES_OPTION,
  },
  examples: [
    'sluice load data/*.csv.gz --into shop.orders',
    'cat orders.csv | sluice load - --into shop.orders --yes',
    'sluice load --into "shop.orders=data/orders*.csv" --into "shop.items=data/items/" --yes',
  ],
  arity: [0, Infinity],
  run: (context) => traced(context, 'load', loadAll),
};

function loadAll(context: CommandContext): Promise<number> {
  const targets = readTargets(context);
  return withSession(context, undefined, async (session) => {
    const stdin = new KeptStdin(context, session);
    try {
      const loads: Load[] = [];
      for (const target of targets) loads.push(await planLoad(context, session, target, stdin));
      for (const load of loads) await showLoad(context, load);
      await confirm(context, 'sluice load', question(loads));
      const file = await saveConfig(context, session, loads);
      const summaries = await runConfigs(context, session, await toConfigs(context, session, loads, file));
      await printSummaries(context, summaries);
      return 0;
    } finally {
      await stdin.remove();
    }
  });
}

interface Target {
  readonly table: string;
  readonly paths: readonly string[];
}

/** Which paths go into which table. */
function readTargets({ args, options }: CommandContext): readonly Target[] {
  const into = list(options, 'into');
  const example = 'e.g. sluice load data/*.csv --into shop.orders';
  if (into.length === 0) throw usageError('load', 'expected --into TABLE, which is missing', example);
  const byTable = new Map<string, string[]>();
  for (const given of into) {
    const at = given.indexOf('=');
    const table = formatTableName(parseTableName(at < 0 ? given : given.slice(0, at)));
    if (at < 0 && byTable.has(table)) throw usageError('load', `--into ${table} is given twice`, example);
    const paths = byTable.get(table) ?? [];
    byTable.set(table, paths);
    if (at >= 0) paths.push(given.slice(at + 1));
  }
  const open = [...byTable].filter(([, paths]) => paths.length === 0);
  if (open.length > 1)
    throw usageError(
      'load',
      `expected one table for the paths, found ${open.map(([table]) => table).join(', ')}`,
      'with several tables say which path goes where: --into shop.orders=data/orders.csv',
    );
  const [first] = open;
  if (first) first[1].push(...args);
  if (first && args.length === 0) throw usageError('load', `expected the files to load into ${first[0]}, found none`, example);
  if (!first && args.length > 0) throw usageError('load', `expected a table for ${args.join(', ')}, found none`, 'add --into TABLE');
  return [...byTable].map(([table, paths]) => ({ table, paths }));
}

interface Load {
  readonly table: string;
  /** For people. */
  readonly source: string;
  readonly files: readonly SourceFile[];
  readonly guessed: GuessedConfig;
  /** As it runs; stdin is a file there. */
  readonly config: JsonObject;
  /** As it is saved. */
  readonly saved: JsonObject;
  readonly isNew: boolean;
}

async function planLoad(context: CommandContext, session: Session, target: Target, stdin: KeptStdin): Promise<Load> {
  const { makeDocument, validateSection, EXEC_SCHEMA } = await import('../../core/config/index.js');
  const { options } = context;
  const mode = text(options, 'mode') ?? 'append';
  if (!MODES.includes(mode)) throw usageError('load', `--mode: expected ${MODES.join(' or ')}, found ${mode}`, 'leave it out to append');
  const fromStdin = target.paths.includes('-');
  if (fromStdin && target.paths.length > 1) throw usageError('load', '- (stdin) cannot be loaded together with files', 'load it by itself');
  const paths = fromStdin ? [await stdin.path()] : target.paths.map((path) => projectPath(context, session, path));
  const plugin = await session.registry.get('input', 'file');
  const section: JsonObject = { type: 'file', paths, ...(fromStdin ? { incremental: false, hive_partitioning: false } : {}) };
  const document = makeDocument({}, 'sluice load');
  const scope = {
    env: context.environment.env,
    root: session.project.root,
    commands: () => false,
    tokens: document.secrets,
    scheduledTime: undefined,
    locate: () => ({}),
  };
  const input = await validateSection(section, plugin.schema, scope);
  const exec = await validateSection({ ...session.project.exec }, EXEC_SCHEMA, scope);
  const { guessed, files } = await guessSource(context, session, {
    input: { plugin, config: input.config, place: { at: () => ({}) } },
    inSection: section,
    exec: {
      guessPlugins: exec.config['guess_plugins'] as readonly string[],
      excludeGuessPlugins: exec.config['exclude_guess_plugins'] as readonly string[],
      guessSampleBufferBytes: exec.config['guess_sample_buffer_bytes'] as number,
    },
    plugins: guessNames(context),
  });
  const isNew = (await (await session.warehouse()).catalog.findTable(target.table)) === undefined;
  const config: JsonObject = { name: `load:${target.table}`, in: guessed.in, out: outSection(context, target.table, mode, guessed, isNew) };
  const { incremental: _, ...savedIn } = guessed.in;
  const saved = fromStdin ? { ...config, in: { ...savedIn, paths: ['-'] } } : config;
  return { table: target.table, source: fromStdin ? 'stdin' : describeFiles(files), files, guessed, config, saved, isNew };
}

/** How a table that exists is partitioned was decided when it was made. */
function outSection({ options }: CommandContext, table: string, mode: string, guessed: GuessedConfig, isNew: boolean): JsonObject {
  const time = text(options, 'time-column');
  const partitions = list(options, 'partition-by');
  const given: JsonObject = {
    ...(time === undefined ? {} : { time_column: time }),
    ...(partitions.length === 0 ? {} : { partition_by: [...partitions] }),
  };
  return { type: 'warehouse', table, mode, ...given, ...(isNew || mode === 'replace' ? timeKeys(guessed, given) : {}) };
}

/** As a config says it: relative to the project where it lies within. */
function projectPath(context: CommandContext, session: Session, path: string): string {
  const absolute = resolve(context.environment.cwd, path);
  const below = relative(session.project.root, absolute);
  if (below === '') return '.';
  return isAbsolute(below) || below.split(sep)[0] === '..' ? absolute : below;
}

async function showLoad(context: CommandContext, { table, source, files, guessed, config, isNew }: Load): Promise<void> {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (context.out.json)
    return context.out.printJson({ event: 'load_plan', table, is_new: isNew, files: files.length, bytes, config, warnings: guessed.warnings });
  const out = config['out'] as JsonObject;
  const time = out['time_column'] === undefined ? '' : `, time column ${String(out['time_column'])}`;
  context.out.say(`${table}${isNew ? ' (new)' : ''} ← ${source}, ${formatBytes(bytes)}; ${String(out['mode'])}${time}`);
  context.out.say(formatGuess(guessed));
  for (const warning of guessed.warnings) context.out.say(`  look at: ${warning}`);
}

function describeFiles(files: readonly SourceFile[]): string {
  return files.length === 1 ? printable(files[0]?.name ?? '') : `${formatCount(files.length)} files`;
}

function question(loads: readonly Load[]): string {
  return `Load ${loads.map((load) => `${load.source} into ${load.table}`).join(' and ')}?`;
}

async function saveConfig(context: CommandContext, session: Session, loads: readonly Load[]): Promise<string | undefined> {
  const save = text(context.options, 'save');
  if (save === undefined) return undefined;
  const path = resolve(context.environment.cwd, save);
  const { writeConfigYaml } = await import('../../core/engine/guess/index.js');
  const options = {
    schema: schemaPath(dirname(path), session.project.root),
    header: ['Kept by `sluice load --save`; the name ties it to what was loaded.'],
  };
  const [only] = loads;
  const yaml =
    only && loads.length === 1
      ? writeConfigYaml(only.saved, only.guessed, options)
      : writeConfigYaml(
          { pipelines: loads.map((load) => load.saved) },
          { notes: [], warnings: loads.flatMap((load) => load.guessed.warnings) },
          options,
        );
  await writeNewFile(path, yaml, flag(context.options, 'force'));
  context.out.say(`kept the config in ${save}`);
  return path;
}

async function toConfigs(
  context: CommandContext,
  session: Session,
  loads: readonly Load[],
  file: string | undefined,
): Promise<Parameters<typeof runConfigs>[2]> {
  const { loadPipelineDocument, makeDocument } = await import('../../core/config/index.js');
  const { environment } = context;
  const options = {
    registry: session.registry,
    project: session.project,
    env: environment.env,
    cwd: environment.cwd,
    overrides: { exec: execOverrides(context) },
  };
  const configs = await Promise.all(loads.map((load) => loadPipelineDocument(makeDocument(load.config, file ?? 'sluice load'), options)));
  return configs.flat();
}

/** Stdin can be read once only, but a load reads it twice: its bytes wait in a file. */
class KeptStdin {
  readonly #context: CommandContext;
  readonly #folder: string;
  #kept: Promise<string> | undefined;

  constructor(context: CommandContext, session: Session) {
    this.#context = context;
    this.#folder = join(session.project.root, '.sluice', 'tmp', `load-${process.pid}`);
  }

  path(): Promise<string> {
    this.#kept ??= this.#keep();
    return this.#kept;
  }

  async remove(): Promise<void> {
    if (this.#kept) await rm(this.#folder, { recursive: true, force: true });
  }

  async #keep(): Promise<string> {
    const { environment, out, signal } = this.#context;
    if (environment.stdin.isTTY) out.say('reading data from the terminal; end with Ctrl-D');
    await makeFolders(this.#folder);
    const path = join(this.#folder, 'stdin');
    try {
      await pump(environment.stdin, createWriteStream(path), { signal });
      return path;
    } catch (error) {
      signal.throwIfAborted();
      throw fileSystemError(error, 'keeping stdin');
    }
  }
}
