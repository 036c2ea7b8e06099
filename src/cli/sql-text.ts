import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, fileSystemError } from '../core/spi/index.js';
import { text, type CommandContext } from './command.js';

/** The SQL of a command: the argument, the file of `-f`, or stdin. */
export async function readSqlText(context: CommandContext, argument: string | undefined, verb: string): Promise<string> {
  const file = text(context.options, 'file');
  if (argument !== undefined && file !== undefined)
    throw new ConfigError({
      code: 'USAGE',
      message: `sluice ${verb}: the SQL is given twice, as argument and with -f`,
      hint: 'leave one of them out',
    });
  if (argument !== undefined && argument !== '-') return argument;
  if (file !== undefined && file !== '-') {
    return readFile(resolve(context.environment.cwd, file), 'utf8').catch((error: unknown) => {
      throw fileSystemError(error, `reading ${file}`);
    });
  }
  const { stdin } = context.environment;
  if (stdin.isTTY) context.out.say('reading SQL from the terminal; end with Ctrl-D');
  let sql = '';
  stdin.setEncoding('utf8');
  for await (const chunk of stdin) sql += String(chunk);
  return sql;
}
