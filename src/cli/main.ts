import { CancelledError, ConfigError, fileSystemError, nearest } from '../core/spi/index.js';
import { checkArity, checkSubcommand, helpOf, parseCommand } from './command-line.js';
import { flag, text, type Command } from './command.js';
import { COMMANDS } from './commands/index.js';
import { processEnvironment, type Environment } from './environment.js';
import { Output, type OutputOptions } from './output.js';

/** As of a program that SIGPIPE ended: what `sluice query … | head` leaves in PIPESTATUS. */
const READER_GONE = 141;

/** Runs one command line; the answer is the exit code. Never throws. */
export async function main(argv: readonly string[], environment: Environment = processEnvironment()): Promise<number> {
  const stdoutLost = new AbortController();
  environment.onStdoutLost?.((cause) => stdoutLost.abort(stdoutError(cause)));
  const { signal } = stdoutLost;
  let out = new Output(environment, { json: argv.includes('--json'), logFormat: 'text', logLevel: 'warn' }, signal);
  try {
    const [verb, ...rest] = argv;
    if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
      const topic = verb === 'help' && rest[0] !== undefined ? await loadCommand(rest[0]) : undefined;
      await out.print(topic ? helpOf(topic) : overview());
      return 0;
    }
    if (verb === '--version' || verb === '-V' || verb === 'version') {
      const { version } = await import('./version.js');
      await out.printLine(await version());
      return 0;
    }
    const command = await loadCommand(verb);
    if (rest.includes('--help') || rest.includes('-h')) {
      await out.print(helpOf(command));
      return 0;
    }
    const { args, options } = parseCommand(command, rest);
    out = new Output(environment, outputOptions(options, command.logLevel), signal);
    checkSubcommand(command, args, options);
    checkArity(command, args);
    const code = await withInterrupt(environment, out, signal, (stop) => command.run({ environment, out, args, options, signal: stop }));
    // That the last write failed is told by the stream's event, a moment later.
    await new Promise(setImmediate);
    if (signal.aborted && !isReaderGone(signal.reason)) throw signal.reason;
    return code;
  } catch (error) {
    if (!signal.aborted) return out.fail(error);
    // What the gone reader missed is no failure to tell of.
    return isReaderGone(signal.reason) ? READER_GONE : out.fail(signal.reason);
  }
}

function stdoutError(cause: NodeJS.ErrnoException): unknown {
  if (cause.code === 'EPIPE')
    return new CancelledError({ code: 'READER_GONE', message: 'nobody reads the output any more', hint: 'run the same command again' });
  return fileSystemError(cause, 'writing to standard output');
}

const isReaderGone = (reason: unknown): boolean => reason instanceof CancelledError;

function outputOptions(options: Readonly<Record<string, unknown>>, usual = 'warn'): OutputOptions {
  const format = text(options as never, 'log-format') ?? 'text';
  const level = text(options as never, 'log-level') ?? usual;
  if (format !== 'text' && format !== 'json')
    throw new ConfigError({ code: 'USAGE', message: `--log-format: expected text or json, found ${format}`, hint: 'leave it out for text' });
  if (level !== 'debug' && level !== 'info' && level !== 'warn' && level !== 'error') {
    throw new ConfigError({
      code: 'USAGE',
      message: `--log-level: expected debug, info, warn or error, found ${level}`,
      hint: 'leave it out for warn',
    });
  }
  return { json: flag(options as never, 'json'), logFormat: format, logLevel: level };
}

/** Ctrl-C once stops cleanly, twice at once; so does, cleanly, a reader of stdout that goes away. */
async function withInterrupt(
  environment: Environment,
  out: Output,
  stdoutLost: AbortSignal,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  const remove = environment.onInterrupt((signal) => {
    if (controller.signal.aborted) return environment.exitNow(130);
    out.say(`\n${signal}: stopping; once more stops at once`);
    controller.abort(new CancelledError({ code: 'CANCELLED', message: 'stopped by the user', hint: 'run the same command again to continue' }));
  });
  try {
    return await work(AbortSignal.any([controller.signal, stdoutLost]));
  } finally {
    remove();
  }
}

async function loadCommand(verb: string): Promise<Command> {
  const entry = COMMANDS.find((command) => command.name === verb);
  if (entry) return entry.load();
  const names = COMMANDS.map((command) => command.name);
  const suggestion = nearest(verb, names);
  throw new ConfigError({
    code: 'VERB_UNKNOWN',
    message: `unknown command ${verb}`,
    hint: suggestion ? `did you mean \`sluice ${suggestion}\`?` : '`sluice --help` lists the commands',
  });
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return [
    'sluice: load files and databases into Iceberg tables, query them, export results',
    '',
    'Usage: sluice COMMAND [arguments] [options]',
    '',
    'Commands:',
    ...lines,
    '',
    'Examples:',
    '  sluice load data/*.csv.gz --into shop.orders',
    '  sluice run pipelines/orders.yml',
    '  sluice query "SELECT count(*) FROM shop.orders"',
    '',
    '`sluice COMMAND --help` shows the options of a command.',
    '',
  ].join('\n');
}
