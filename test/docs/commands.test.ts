import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findBlocks, splitWords } from '../../scripts/markdown-blocks.js';
import { checkArity, parseCommand } from '../../src/cli/command-line.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { readPages, type Page } from './pages.js';

/** The reference of commands shows usage lines, which are no commands; its examples come from the declarations. */
const pages = readPages().filter(({ path }) => path !== 'docs/reference/cli.md');

interface Shown {
  readonly place: string;
  readonly line: string;
}

/** `sluice …` in code blocks (behind `$ ` where output follows) and in backquotes. */
function shownCommands({ path, text }: Page): readonly Shown[] {
  const inBlocks = findBlocks(text).flatMap(({ language, line, lines }) =>
    ['', 'sh'].includes(language)
      ? lines.flatMap((content, i) => {
          const command = /^(?:\$ )?(?:.*\| )?(sluice .*)$/.exec(content)?.[1];
          const isOutput = language === '' && lines.some((l) => l.startsWith('$ ')) && !content.startsWith('$ ');
          return command === undefined || isOutput ? [] : [{ place: `${path}:${line + i}`, line: command }];
        })
      : [],
  );
  const prose = text.replaceAll(/^```[^]*?^```/gm, (block) => block.replaceAll(/[^\n]/g, ''));
  const inline = prose
    .split('\n')
    .flatMap((content, i) => [...content.matchAll(/`(sluice [^`]+)`/g)].map(([, line = '']) => ({ place: `${path}:${i + 1}`, line })));
  return [...inBlocks, ...inline];
}

async function problemOf(shown: string): Promise<string | undefined> {
  const line = shown.split(/ && | \|\| /)[0] ?? '';
  const [, verb = '', ...args] = splitWords(line);
  const entry = COMMANDS.find(({ name }) => name === verb);
  if (verb.startsWith('-') || verb === '…') return undefined;
  if (entry === undefined) return `no command ${verb}`;
  const command = await entry.load();
  try {
    const parsed = parseCommand(command, args);
    // In a sentence a command may be named by its options alone.
    if (args.length > 0 && !args.every((arg) => arg.startsWith('-')) && !parsed.options['help']) checkArity(command, parsed.args);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const commands = pages.flatMap(shownCommands);

test('the pages show commands', () => {
  assert.ok(commands.length > 60, `${commands.length} commands found`);
});

test('every command that a page shows exists and parses', async () => {
  const problems: string[] = [];
  for (const { place, line } of commands) {
    const problem = await problemOf(line);
    if (problem !== undefined) problems.push(`${place}: ${line}: ${problem}`);
  }
  assert.equal(problems, []);
});

test('a wrong command is found', async () => {
  assert.match((await problemOf('sluice runn x.yml')) ?? '', 'no command runn');
  assert.match((await problemOf('sluice run x.yml --max-reject 1')) ?? '', 'unknown option');
  assert.match((await problemOf('sluice swap a')) ?? '', 'expected 2 arguments');
});

test('words are split as a shell does', () => {
  assert.equal(splitWords(`sluice query "SELECT 'a b' AS \\"x\\"" --param day='1 2' # why`), [
    'sluice',
    'query',
    `SELECT 'a b' AS "x"`,
    '--param',
    'day=1 2',
  ]);
});

test.run();
