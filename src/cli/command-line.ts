import { parseArgs } from 'node:util';
import { ConfigError, nearest } from '../core/spi/index.js';
import { COMMON_OPTIONS, optionHelp, type Command, type OptionSpec, type OptionValues } from './command.js';
import { unknownSubcommand } from './subcommand.js';

/** Parses a verb's arguments; unknown options get a "did you mean". */
export function parseCommand(command: Command, argv: readonly string[]): { readonly args: readonly string[]; readonly options: OptionValues } {
  const specs = { ...COMMON_OPTIONS, ...command.options };
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      {
        type: spec.value === undefined ? ('boolean' as const) : ('string' as const),
        ...(spec.short ? { short: spec.short } : {}),
        ...(spec.multiple ? { multiple: true } : {}),
      },
    ]),
  );
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { args: parsed.positionals, options: parsed.values as OptionValues };
  } catch (error) {
    throw usageError(command, specs, error as Error & { code?: string }, argv);
  }
}

function usageError(command: Command, specs: Readonly<Record<string, OptionSpec>>, error: Error & { code?: string }, argv: readonly string[]): Error {
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const known = new Set(Object.entries(specs).flatMap(([name, spec]) => [`--${name}`, ...(spec.short ? [`-${spec.short}`] : [])]));
    const word = argv.map((a) => a.split('=')[0] as string).find((a) => a.startsWith('-') && a !== '-' && !known.has(a)) ?? '';
    const suggestion = nearest(word, [...known]);
    return new ConfigError({
      code: 'OPTION_UNKNOWN',
      message: `sluice ${command.name}: unknown option ${word}`,
      hint: suggestion ? `did you mean ${suggestion}?` : `\`sluice ${command.name} --help\` lists the options`,
      cause: error,
    });
  }
  return new ConfigError({
    code: 'USAGE',
    message: `sluice ${command.name}: ${error.message}`,
    hint: `\`sluice ${command.name} --help\` shows the usage`,
    cause: error,
  });
}

/** An unknown subcommand, and options that only another one knows, are errors of usage. */
export function checkSubcommand(command: Command, args: readonly string[], options: OptionValues): void {
  const { name, subcommands } = command;
  const [subcommand = ''] = args;
  if (subcommands === undefined) return;
  if (subcommand !== '' && !subcommands.includes(subcommand)) throw unknownSubcommand(name, subcommand, subcommands);
  const fits = (option: string): boolean => command.options[option]?.of?.includes(subcommand) ?? true;
  const wrong = Object.keys(options).find((option) => !fits(option));
  if (wrong === undefined) return;
  const spell = (each: string): string => `sluice ${name}${each === '' ? '' : ` ${each}`}`;
  const suggestion = nearest(wrong, Object.keys(command.options).filter(fits));
  const owners = (command.options[wrong]?.of ?? []).map((each) => `\`${spell(each)}\``).join(' and ');
  throw new ConfigError({
    code: 'OPTION_UNKNOWN',
    message: `${spell(subcommand)}: unknown option --${wrong}`,
    hint: `${suggestion === undefined ? '' : `did you mean --${suggestion}? `}--${wrong} is an option of ${owners}`,
  });
}

export function checkArity(command: Command, args: readonly string[]): void {
  const [least, most] = command.arity;
  if (args.length >= least && args.length <= most) return;
  const expected = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  throw new ConfigError({
    code: 'USAGE',
    message: `sluice ${command.name}: expected ${expected} argument${/(?:^|least )1$/.test(expected) ? '' : 's'} (${command.usage || 'none'}), found ${args.length}`,
    hint: `e.g. ${command.examples[0] ?? `sluice ${command.name} --help`}`,
  });
}

export function helpOf(command: Command): string {
  const rows = (specs: Readonly<Record<string, OptionSpec>>): string[] =>
    Object.entries(specs).map(([name, spec]) => {
      const left = `${spec.short ? `-${spec.short}, ` : '    '}--${name}${spec.value ? ` ${spec.value}` : ''}`;
      return `  ${left.padEnd(30)} ${optionHelp(spec)}`;
    });
  return [
    `${command.summary}`,
    '',
    `Usage: sluice ${command.name}${command.usage ? ` ${command.usage}` : ''} [options]`,
    ...(command.details ? ['', command.details] : []),
    ...(Object.keys(command.options).length > 0 ? ['', 'Options:', ...rows(command.options)] : []),
    '',
    'Common options:',
    ...rows(COMMON_OPTIONS),
    '',
    command.examples.length > 1 ? 'Examples:' : 'Example:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}
