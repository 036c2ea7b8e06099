import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { ConfigDocument } from '../../core/config/index.js';
import type { HeldTemplate } from '../../embulk/index.js';
import { ConfigError, fileSystemError } from '../../core/spi/index.js';
import { flag, text, type Command, type CommandContext } from '../command.js';
import { schemaPath } from '../guessed-config.js';
import { writeNewFile } from '../new-file.js';
import { withSession, type Session } from '../session.js';

export const command: Command = {
  name: 'convert',
  usage: 'EMBULK.yml',
  summary: 'Write a config of Embulk in the native form, with comments on what changed.',
  details:
    'Expressions of .yml.liquid files are kept; files with tags ({% … %}) are rendered first. Without -o the config goes to stdout. Options without a counterpart are errors.',
  options: {
    output: { short: 'o', value: 'CONFIG.yml', help: 'write the config to this file' },
    force: { help: 'overwrite the file of -o' },
    incremental: { help: 'for configs that Embulk runs with -c: load only what is new' },
  },
  examples: ['sluice convert embulk.yml -o pipelines/orders.yml', 'sluice convert embulk.yml.liquid --incremental'],
  arity: [1, 1],
  run(context) {
    const [file = ''] = context.args;
    return withSession(context, file, async (session) => {
      await convertFile(context, session, file);
      return 0;
    });
  },
};

interface Source {
  readonly document: ConfigDocument;
  readonly template: HeldTemplate | undefined;
  readonly header: readonly string[];
}

async function convertFile(context: CommandContext, session: Session, file: string): Promise<void> {
  const { makeNativeDocument, describeNote, writeNativeConfig } = await import('../../embulk/index.js');
  const { document, template, header } = await readSource(context, file);
  const native = makeNativeDocument(document, { incremental: flag(context.options, 'incremental'), defaults: true });
  // Expressions have no values yet, so their config is judged when it is run.
  if (template === undefined) await validate(context, session, native.document);
  if (native.conversion === undefined) throw notAMapping(document);
  const output = text(context.options, 'output');
  const path = output === undefined ? undefined : resolve(context.environment.cwd, output);
  const yaml = await writeNativeConfig(native.conversion, {
    schema: schemaPath(dirname(path ?? document.file), session.project.root),
    header: [`Converted from ${basename(file)} by \`sluice convert\`.`, ...header],
    ...(template === undefined ? {} : { template }),
  });
  if (path === undefined) {
    await context.out.print(yaml);
    return;
  }
  await writeNewFile(path, yaml, flag(context.options, 'force'));
  const notes = native.conversion.notes.map(describeNote);
  if (context.out.json) await context.out.printJson({ event: 'convert', file: path, notes });
  else {
    for (const note of notes) context.out.say(`note: ${note}`);
    context.out.say(`wrote ${output ?? ''}; next: sluice check ${output ?? ''}`);
  }
}

/** A template is read with its expressions in place; one with tags is rendered, and names its secrets. */
async function readSource(context: CommandContext, file: string): Promise<Source> {
  const { parseDocument, restoreReferences } = await import('../../core/config/index.js');
  const { environment } = context;
  const path = resolve(environment.cwd, file);
  const source = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileSystemError(error, `reading ${file}`);
  });
  const options = { env: environment.env };
  if (!path.endsWith('.liquid')) return { document: await parseDocument(source, path, options, file), template: undefined, header: [] };
  const { holdExpressions } = await import('../../embulk/index.js');
  const template = holdExpressions(source);
  if (template !== undefined)
    return {
      document: await parseDocument(template.text, path.replace(/\.liquid$/, ''), options, file),
      template,
      header: ['Its name must end in .yml.liquid.'],
    };
  const rendered = await parseDocument(source, path, options, file);
  return {
    document: { ...rendered, value: restoreReferences(rendered.value, rendered.secrets) },
    template: undefined,
    header: ['The template was rendered with the environment of that moment; secrets are read from their variables.'],
  };
}

async function validate(context: CommandContext, session: Session, document: ConfigDocument): Promise<void> {
  const { loadPipelineDocument } = await import('../../core/config/index.js');
  const { environment } = context;
  await loadPipelineDocument(document, { registry: session.registry, project: session.project, env: environment.env, cwd: environment.cwd });
}

function notAMapping(document: ConfigDocument): ConfigError {
  return new ConfigError({
    code: 'EMBULK_SHAPE',
    message: `${document.shown}: expected a mapping with in: and out:`,
    hint: 'give the config that `embulk run` takes',
    where: { file: document.shown },
  });
}
