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

test('options of subcommands are named with them, and completed beside them', async ({ desk }) => {
  for (const entry of COMMANDS) {
    const { options, subcommands = [] } = await entry.load();
    for (const { of = [] } of Object.values(options)) for (const each of of) assert.ok(each === '' || subcommands.includes(each), entry.name);
  }
  assert.match((await desk.ok(['schedule', '--help'])).stdout, /--queue +run, backfill: leave the jobs/);
  const complete = `${(await desk.ok(['completion', 'bash'])).stdout}
COMP_WORDS=(sluice schedule b); COMP_CWORD=2; _sluice; echo "\${COMPREPLY[*]}"
COMP_WORDS=(sluice run p); COMP_CWORD=2; _sluice; echo "\${COMPREPLY[*]}"`;
  desk.write('pipeline.yml', '');
  assert.is(spawnSync('bash', ['-c', complete], { cwd: desk.folder, encoding: 'utf8' }).stdout, 'backfill\npipeline.yml\n');
});

test('conns test names keys that no plugin knows, and gives up at once', async ({ desk }) => {
  desk.write(
    'sluice.yml',
    'connections:\n  a: {type: http, url: "http://127.0.0.1:1/"}\n  b: {type: postgresql, hots: 127.0.0.1, merge_keys: [id]}\n  c: {type: mysql, hots: 127.0.0.1}\n',
  );
  const wrong = await desk.sluice(['conns', 'test', 'b', 'c']);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, 'sluice.yml:3:25 connections.b.hots: unknown key "hots", did you mean "host"?');
  assert.match(wrong.stderr, ', host, incremental,');
  const down = await desk.sluice(['conns', 'test', 'c', 'a']);
  assert.is(down.code, 4);
  assert.not.match(down.stderr, 'repeating');
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
    [['conns', 'test', 'nope'], 'CONNECTION_UNKNOWN: no connection "nope"', 'sluice.yml'],
    [['conns', 'list', 'shop'], 'USAGE: sluice conns list: expected no arguments, found 1', 'sluice conns list'],
    [['conns', 'discover', 'a', 'b', 'c'], 'USAGE: sluice conns discover: expected NAME and perhaps TABLE, found 3 arguments', 'public.orders'],
    [['key', 'list', '--scope', 'read'], 'OPTION_UNKNOWN: sluice key list: unknown option --scope', 'an option of `sluice key create`'],
    [['job', 'show', 'latest', '-f'], 'OPTION_UNKNOWN: sluice job show: unknown option --follow', 'an option of `sluice job log`'],
    [['job', 'log', 'latest', '--to', 'x'], 'OPTION_UNKNOWN: sluice job log: unknown option --to', 'an option of `sluice job export`'],
    [['schedule', 'list', '--parallel'], 'OPTION_UNKNOWN: sluice schedule list: unknown option --parallel', 'option of `sluice schedule backfill`'],
    [
      ['schedule', 'run', 'x', '--from', '2026-01-01'],
      'OPTION_UNKNOWN: sluice schedule run: unknown option --from',
      'backfill` and `sluice schedule history`',
    ],
    [
      ['schedule', 'backfill', 'x', '--last', '3'],
      'OPTION_UNKNOWN: sluice schedule backfill: unknown option --last',
      'an option of `sluice schedule run`',
    ],
    [['state', 'show', '--yes'], 'OPTION_UNKNOWN: sluice state show: unknown option --yes', 'an option of `sluice state reset`'],
    [['state', 'move', 'a', 'b', '--target', 'c'], 'OPTION_UNKNOWN: sluice state move: unknown option --target', '`sluice state set`'],
    [['runs', 'show', 'latest', '--limit', '3'], 'OPTION_UNKNOWN: sluice runs show: unknown option --limit', 'an option of `sluice runs`'],
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
