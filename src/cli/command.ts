import type { Environment } from './environment.js';
import type { Output } from './output.js';

/** An option of a verb. `value` names the argument in the help; without it the option is a switch. */
export interface OptionSpec {
  readonly short?: string;
  readonly value?: string;
  readonly multiple?: boolean;
  readonly help: string;
  /** The subcommands that know it, `''` for the verb alone; all of them where it is left out. */
  readonly of?: readonly string[];
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface CommandContext {
  readonly environment: Environment;
  readonly out: Output;
  readonly args: readonly string[];
  readonly options: OptionValues;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A verb of the command line. The help is made from this declaration. */
export interface Command {
  readonly name: string;
  /** Positional arguments for the usage line, e.g. `CONFIG...`. */
  readonly usage: string;
  readonly summary: string;
  readonly details?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
  /** What the first argument may be, where it picks what is done. */
  readonly subcommands?: readonly string[];
  /** Least and most positional arguments. */
  readonly arity: readonly [number, number];
  /** What is logged unless --log-level says; default warn. */
  readonly logLevel?: 'info';
  run(context: CommandContext): Promise<number>;
}

/** The help of an option, led by the subcommands that know it. */
export function optionHelp({ of = [], help }: OptionSpec): string {
  const named = of.filter((each) => each !== '');
  return named.length === 0 ? help : `${named.join(', ')}: ${help}`;
}

export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(options: OptionValues, name: string): boolean {
  return options[name] === true;
}

export function list(options: OptionValues, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : [];
}

/** Options every verb knows. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  help: { short: 'h', help: 'show this help' },
  json: { help: 'print results and events as JSON lines' },
  'log-format': { value: 'text|json', help: 'format of logs and progress on stderr' },
  'log-level': { value: 'LEVEL', help: 'error, warn, info or debug (default: warn)' },
  project: { value: 'FOLDER', help: 'project root (default: nearest parent with sluice.yml or .sluice)' },
};
