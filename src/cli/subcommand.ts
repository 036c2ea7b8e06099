import { ConfigError, didYouMean } from '../core/spi/index.js';

/** A wrong use of a verb that its declaration cannot express. */
export function usageError(command: string, message: string, hint: string): ConfigError {
  return new ConfigError({ code: 'USAGE', message: `sluice ${command}: ${message}`, hint });
}

export function unknownSubcommand(command: string, found: string, known: readonly string[]): ConfigError {
  return usageError(
    command,
    `expected ${known.join(', ')}, found ${found}${didYouMean(found, known)}`,
    `\`sluice ${command} --help\` shows the usage`,
  );
}

/** The number of an option such as `--limit`; undefined when it was not given. */
export function countOption(command: string, name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given)) throw usageError(command, `--${name}: expected a number, found ${given}`, `e.g. --${name} 20`);
  return Number(given);
}
