import { relative, resolve } from 'node:path';
import { ConfigError } from '../../core/spi/index.js';
import { flag, text, type Command } from '../command.js';
import { writeNewFile } from '../new-file.js';
import type { Scaffold } from '../scaffold/scaffold.js';
import { usageError } from '../subcommand.js';

const KINDS = ['input', 'filter', 'parser'] as const;
type Kind = (typeof KINDS)[number];

export const command: Command = {
  name: 'new',
  usage: 'KIND NAME',
  summary: 'Make a plugin of your own: a folder sluice-plugin-NAME with code, a test and a README.',
  details: 'KIND is input, filter or parser. The plugin works as it is, and its test holds it against the contract of its kind.',
  options: {
    dir: { value: 'FOLDER', help: 'where the folder is made (default: here)' },
    force: { help: 'overwrite files that exist' },
  },
  examples: ['sluice new input salesforce', 'sluice new filter tidy-names --dir plugins'],
  subcommands: KINDS,
  arity: [2, 2],
  async run({ args, environment, options, out }) {
    const [kind, name] = args as readonly [Kind, string];
    const type = await typeOf(kind, name);
    const folder = `sluice-plugin-${name}`;
    const target = resolve(environment.cwd, text(options, 'dir') ?? '.', folder);
    const { scaffoldFiles } = await import('../scaffold/scaffold.js');
    const { version } = await import('../version.js');
    const files = scaffoldFiles({ kind, folder, type, version: await version() }, await SCAFFOLDS[kind]());
    for (const [file, content] of Object.entries(files)) await writeNewFile(resolve(target, file), content, flag(options, 'force'));
    const shown = relative(environment.cwd, target);
    if (out.json) {
      await out.printJson({ event: 'new', kind, type, folder: target, created: Object.keys(files) });
      return 0;
    }
    for (const file of Object.keys(files)) out.say(`created ${shown}/${file}`);
    out.say(
      `\nnext: list it in sluice.yml, with its path from there\n  plugins: [./${shown}/index.js]\nand use it in a pipeline, see ${shown}/README.md`,
    );
    return 0;
  },
};

const SCAFFOLDS: { readonly [K in Kind]: () => Promise<Scaffold> } = {
  input: async () => (await import('../scaffold/input.js')).inputScaffold,
  filter: async () => (await import('../scaffold/filter.js')).filterScaffold,
  parser: async () => (await import('../scaffold/parser.js')).parserScaffold,
};

/** The word behind `type:` of a plugin with this name; no built-in one may have it. */
async function typeOf(kind: Kind, name: string): Promise<string> {
  if (!/^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(name))
    throw usageError('new', `NAME: expected a word of a-z, 0-9, - and _, found "${name}"`, `e.g. sluice new ${kind} tidy-names`);
  const type = name.replaceAll('-', '_');
  const { BUILTIN_PLUGINS } = await import('../../plugins/builtins.js');
  if (BUILTIN_PLUGINS.some((plugin) => plugin.kind === kind && plugin.type === type))
    throw new ConfigError({ code: 'PLUGIN_CLASH', message: `there is a built-in ${kind} named ${type}`, hint: 'give the plugin another name' });
  return type;
}
