import { COMMON_OPTIONS, optionHelp, type Command, type OptionSpec } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { escapeCell, GENERATED_NOTE } from './markdown.js';

/** Every verb as its own declaration describes it: the text of `--help`. */
export async function writeCliPage(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(({ load }) => load()));
  return `${GENERATED_NOTE}

# Commands

stdout is data, stderr is progress and logs. Ctrl-C once stops cleanly, twice at once; the exit codes are in [errors.md](errors.md).

| command | |
| --- | --- |
${commands.map(({ name, summary }) => `| [${name}](#${name}) | ${escapeCell(summary)} |`).join('\n')}

Every command takes these options:

${writeOptions(COMMON_OPTIONS)}
${commands.map(writeCommand).join('\n')}`;
}

function writeCommand(command: Command): string {
  const { name, usage, summary, details, options, examples } = command;
  return [
    `## ${name}`,
    '',
    summary,
    ...(details === undefined ? [] : ['', details]),
    '',
    '```sh',
    `sluice ${name}${usage === '' ? '' : ` ${usage}`}`,
    '```',
    '',
    ...(Object.keys(options).length === 0 ? [] : [writeOptions(options)]),
    `For example ${examples.map((example) => `\`${example}\``).join(', ')}.`,
    '',
  ].join('\n');
}

function writeOptions(options: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(options).map(([name, spec]) => {
    const { short, value, multiple } = spec;
    const spelling = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
    return `| \`${spelling.replaceAll('|', '\\|')}\` | ${escapeCell(optionHelp(spec))}${multiple ? ' (may be repeated)' : ''} |`;
  });
  return ['| option | meaning |', '| --- | --- |', ...rows, ''].join('\n');
}
