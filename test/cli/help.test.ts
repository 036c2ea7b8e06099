import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkArity, helpOf, parseCommand } from '../../src/cli/command-line.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { Desk } from './desk.js';

const test = suite<{ desk: Desk }>('help');
test.before.each((context) => {
  context.desk = new Desk();
});
test.after.each(({ desk }) => desk.remove());

/** The words of an example as a shell splits them, from after `sluice`. */
function wordsOf(example: string): string[] {
  const command = /(?:^|[|(]\s*)sluice (.*?)\)?(?: > .*)?$/.exec(example)?.[1];
  if (command === undefined) throw new Error(`no sluice in the example: ${example}`);
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? '');
}

test('every verb says what it does, and its examples are commands that parse', async () => {
  for (const entry of COMMANDS) {
    const command = await entry.load();
    assert.is(command.name, entry.name);
    assert.ok(command.examples.length > 0, `${command.name} has no example`);
    for (const example of command.examples) {
      const [verb, ...rest] = wordsOf(example);
      assert.is(verb, command.name, example);
      const { args } = parseCommand(command, rest);
      checkArity(command, args);
    }
    const help = helpOf(command);
    for (const text of [command.summary, 'Usage: sluice', '--json', '--project', 'Example', command.examples[0] ?? ''])
      assert.ok(help.includes(text), `${command.name}: ${text}`);
    for (const name of Object.keys(command.options)) assert.ok(help.includes(`--${name}`), `${command.name} --${name}`);
  }
});

test('short options mean one thing within a verb', async () => {
  for (const entry of COMMANDS) {
    const { options } = await entry.load();
    const short = Object.values(options).flatMap((o) => (o.short === undefined ? [] : [o.short]));
    assert.equal([...new Set(short)], short, entry.name);
    assert.not.ok(short.includes('h'), entry.name);
  }
});

test('--help, help VERB and VERB --help print to stdout and need no project', async ({ desk }) => {
  const overview = await desk.ok(['--help']);
  for (const { name, summary } of COMMANDS) assert.match(overview.stdout, `${name} `, summary);
  const help = await desk.ok(['help', 'undo']);
  assert.is(help.stdout, (await desk.ok(['undo', '--help'])).stdout);
  assert.match(help.stdout, 'Usage: sluice undo RUN [options]');
  assert.is(help.stderr, '');
});

test('wrong usage names what was expected, with exit code 2', async ({ desk }) => {
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [['tabels'], 'VERB_UNKNOWN: unknown command tabels', 'did you mean `sluice tables`?'],
    [['runs', '--limt', '3'], 'OPTION_UNKNOWN: sluice runs: unknown option --limt', 'did you mean --limit?'],
    [['show'], 'USAGE: sluice show: expected 1 argument (TABLE), found 0', 'sluice show shop.orders'],
    [['runs', 'shwo'], 'USAGE: sluice runs: expected show, found shwo', 'sluice runs --help'],
    [['runs', '--limit', 'many'], 'USAGE: sluice runs: --limit: expected a number, found many', '--limit 20'],
    [['runs', '--status', 'done'], 'USAGE: sluice runs: --status: expected running, held, committed', '--status failed'],
    [['state', 'move', 'a'], 'USAGE: sluice state move: expected 2 arguments, found 1', 'sluice state move'],
    [['load', 'x.csv'], 'USAGE: sluice load: expected --into TABLE', 'sluice load data/*.csv --into shop.orders'],
    [['load', '--into', 'a.b'], 'USAGE: sluice load: expected the files to load into a.b, found none', '--into shop.orders'],
    [['load', 'x.csv', '--into', 'Shop.Orders'], 'TABLE_NAME: table: expected a name like shop.orders', 'for example shop.orders'],
    [['completion', 'csh'], 'USAGE: sluice completion: expected bash, zsh, fish, found csh', 'sluice completion --help'],
    [['rejects', 'x', '--format', 'parquet'], 'RUN_UNKNOWN: no run x', 'no pipeline has run'],
    [['tables', '--log-level', 'loud'], 'USAGE: --log-level: expected debug, info, warn or error, found loud', 'leave it out'],
  ];
  for (const [args, message, hint] of cases) {
    const { code, stderr, stdout } = await desk.sluice(args);
    assert.is(code, 2, args.join(' '));
    assert.is(stdout, '', args.join(' '));
    assert.match(stderr, `error ${message}`);
    assert.ok(stderr.includes(hint), `${args.join(' ')}: expected the hint ${hint} in\n${stderr}`);
  }
});

test('with --json a wrong usage is one object on stdout', async ({ desk }) => {
  const { code, stdout, stderr } = await desk.sluice(['show', '--json']);
  assert.equal([code, stderr], [2, '']);
  const error = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal([error['event'], error['code'], error['exit_code']], ['error', 'USAGE', 2]);
});

test('errors are red on a terminal only, and not with NO_COLOR', async ({ desk }) => {
  const red = '\u001b[31m';
  assert.ok((await desk.sluice(['nope'], { types: '' })).stderr.includes(red));
  assert.not.ok((await desk.sluice(['nope'], { types: '', env: { NO_COLOR: '1' } })).stderr.includes(red));
  assert.ok((await desk.sluice(['nope'], { types: '', env: { NO_COLOR: '' } })).stderr.includes(red));
  assert.not.ok((await desk.sluice(['nope'])).stderr.includes(red));
});

test('the completion scripts know every verb and option', async ({ desk }) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await desk.ok(['completion', shell]);
    for (const entry of COMMANDS) {
      assert.ok(stdout.includes(entry.name), `${shell}: ${entry.name}`);
      const { options } = await entry.load();
      for (const name of Object.keys(options))
        assert.ok(stdout.includes(shell === 'fish' ? `-l ${name}` : `--${name}`), `${shell}: ${entry.name} --${name}`);
    }
  }
});

test('bash completes verbs, the options of a verb, and files', async ({ desk }) => {
  desk.write('orders.yml', '');
  const { stdout: script } = await desk.ok(['completion', 'bash']);
  const complete = (...words: string[]): string[] => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const run = spawnSync(
      'bash',
      ['-c', `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`],
      { cwd: desk.folder, encoding: 'utf8' },
    );
    assert.is(run.stderr, '');
    return run.stdout.trim().split('\n');
  };
  assert.equal(complete('sluice', 'und').sort(), ['undo', 'undrop']);
  assert.equal(complete('sluice', 'undo', '--w'), ['--with-later']);
  assert.equal(complete('sluice', 'run', 'ord'), ['orders.yml']);
});

test.run();
