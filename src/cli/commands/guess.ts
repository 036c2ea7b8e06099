import { basename, dirname, resolve } from 'node:path';
import type { SeedConfig } from '../../core/config/index.js';
import type { GuessedConfig } from '../../core/engine/guess/index.js';
import type { JsonObject } from '../../core/spi/index.js';
import { flag, list, text, type Command, type CommandContext } from '../command.js';
import { EMBULK_OPTION, EmbulkForm } from '../embulk-form.js';
import { guessSource } from '../guess-source.js';
import { schemaPath, timeKeys } from '../guessed-config.js';
import { writeNewFile } from '../new-file.js';
import { withSession } from '../session.js';

export const command: Command = {
  name: 'guess',
  usage: 'SEED.yml',
  summary: 'Write a complete, commented config from a sample of the data.',
  details:
    'A seed names the files, e.g. `in: {type: file, path_prefix: data/orders_}`; keys it gives are kept. Without -o the config goes to stdout.',
  options: {
    output: { short: 'o', value: 'CONFIG.yml', help: 'write the config to this file' },
    embulk: EMBULK_OPTION,
    force: { help: 'overwrite the file of -o' },
    guess: { short: 'g', value: 'NAMES', multiple: true, help: 'further guess plugins to try, separated by commas' },
  },
  examples: ['sluice guess seed.yml -o pipelines/orders.yml', 'sluice guess seed.yml'],
  arity: [1, 1],
  run(context) {
    const [file = ''] = context.args;
    return withSession(context, file, async (session) => {
      const { loadSeed } = await import('../../core/config/index.js');
      const { environment } = context;
      const seed = await loadSeed(resolve(environment.cwd, file), {
        registry: session.registry,
        project: session.project,
        env: environment.env,
        cwd: environment.cwd,
        rewrite: new EmbulkForm(context, { root: session.project.root, defaults: false }).rewrite,
      });
      const { guessed } = await guessSource(context, session, {
        input: seed.input,
        inSection: seed.inSection,
        exec: seed.exec,
        plugins: guessNames(context),
      });
      await writeConfig(context, seed, guessed);
      return 0;
    });
  },
};

export function guessNames(context: CommandContext): readonly string[] {
  return list(context.options, 'guess').flatMap((names) => names.split(',').filter((name) => name !== ''));
}

async function writeConfig(context: CommandContext, seed: SeedConfig, guessed: GuessedConfig): Promise<void> {
  const { writeConfigYaml } = await import('../../core/engine/guess/index.js');
  const output = text(context.options, 'output');
  const path = output === undefined ? undefined : resolve(context.environment.cwd, output);
  const given = seed.value['out'] as JsonObject | undefined;
  const out: JsonObject = given ?? { type: 'warehouse', table: tableName(seed.inSection), mode: 'append' };
  const config = { ...seed.value, in: guessed.in, out: out['type'] === 'warehouse' ? { ...out, ...timeKeys(guessed, out) } : out };
  const yaml = writeConfigYaml(config, guessed, {
    schema: schemaPath(dirname(path ?? seed.file), seed.project.root),
    header: [`Guessed from a sample by \`sluice guess ${basename(seed.file)}\`; check the types, then \`sluice preview\` and \`sluice run\` it.`],
  });
  if (path === undefined) await context.out.print(yaml);
  else {
    await writeNewFile(path, yaml, flag(context.options, 'force'));
    if (context.out.json) await context.out.printJson({ event: 'guess', file: path, config, warnings: guessed.warnings });
    else context.out.say(`wrote ${output ?? ''}; next: sluice preview ${output ?? ''}`);
  }
  for (const warning of guessed.warnings) context.out.say(`look at: ${warning}`);
}

/** `./data/orders_` and `data/orders*.csv.gz` become `orders`. */
function tableName(section: JsonObject): string {
  const [first] = (section['paths'] ?? []) as readonly string[];
  const table = typeof section['table'] === 'string' ? section['table'].split('.').at(-1) : undefined;
  const path = String(section['path_prefix'] ?? first ?? table ?? section['path'] ?? '');
  const name = basename(path)
    .replace(/[.*?[{].*$/s, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? 'data' : name;
}
