import { CancelledError, ConfigError } from '../core/spi/index.js';
import { flag, type CommandContext, type OptionSpec } from './command.js';

export const YES_OPTION: OptionSpec = { short: 'y', help: 'do not ask; needed where nobody can be asked (pipes, --json)' };

/** Asks before something that is hard to take back. On a terminal the user answers; elsewhere `--yes` must have been given. */
export async function confirm(context: CommandContext, command: string, question: string): Promise<void> {
  if (flag(context.options, 'yes')) return;
  const { stdin } = context.environment;
  if (stdin.isTTY !== true || !context.out.isTerminal) {
    throw new ConfigError({
      code: 'NOT_CONFIRMED',
      message: `${command}: expected --yes, because nobody can be asked here`,
      hint: `${question} If so, add --yes`,
    });
  }
  context.out.raw(`${question} [y/N] `);
  const answer = await readLine(context);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new CancelledError({ code: 'DECLINED', message: `${command}: nothing was changed`, hint: 'answer y to go on' });
}

async function readLine({ environment, signal }: CommandContext): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: environment.stdin, terminal: false });
  try {
    // Ctrl-D ends the input without a line, which means no.
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question('', { signal }), ended]);
  } catch (error) {
    // Ctrl-C: the signal knows the reason in our words.
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}
