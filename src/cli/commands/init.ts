import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileSystemError, makeFolders } from '../../core/spi/index.js';
import type { Command, CommandContext } from '../command.js';

export const command: Command = {
  name: 'init',
  usage: '[DIR]',
  summary: 'Lay out a new project: sluice.yml, pipelines/ with a sample that runs, .gitignore.',
  details: 'Files that exist are left as they are.',
  options: {},
  examples: ['sluice init shop', 'sluice init'],
  arity: [0, 1],
  async run(context) {
    const root = resolve(context.environment.cwd, context.args[0] ?? '.');
    const files = layOut(basename(root));
    const made: string[] = [];
    const kept: string[] = [];
    for (const [path, content] of Object.entries(files)) {
      ((await createFile(join(root, path), content)) ? made : kept).push(path);
    }
    ((await ignoreFolder(join(root, '.gitignore'))) ? made : kept).push('.gitignore');
    await report(context, root, made, kept);
    return 0;
  },
};

async function report(context: CommandContext, root: string, made: readonly string[], kept: readonly string[]): Promise<void> {
  if (context.out.json) return context.out.printJson({ event: 'init', root, created: made, kept });
  for (const path of made) context.out.say(`created ${path}`);
  for (const path of kept) context.out.say(`kept ${path}, which exists`);
  const folder = relative(context.environment.cwd, root);
  context.out.say(`\nnext:${folder === '' ? '' : `\n  cd ${folder}`}\n  sluice run pipelines/orders.yml\n  sluice query "SELECT * FROM shop.orders"`);
}

/** False when the file exists. */
async function createFile(path: string, content: string): Promise<boolean> {
  try {
    await makeFolders(dirname(path));
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileSystemError(error, `writing ${path}`);
  }
}

/** Adds `.sluice/` to .gitignore; false when it is there. */
async function ignoreFolder(path: string): Promise<boolean> {
  if (await createFile(path, '.sluice/\n')) return true;
  const content = await readFile(path, 'utf8');
  if (content.split(/\r?\n/).some((line) => /^\/?\.sluice\/?$/.test(line.trim()))) return false;
  await writeFile(path, `${content}${content === '' || content.endsWith('\n') ? '' : '\n'}.sluice/\n`);
  return true;
}

function layOut(name: string): Readonly<Record<string, string>> {
  return {
    'sluice.yml': `# The project file. Every key has a default; see docs/reference/config.md.
name: ${JSON.stringify(name)}

# Where runs, states and table pointers live. SQLite suits one machine; several machines need PostgreSQL.
# metastore:
#   type: postgresql
#   url: {env: SLUICE_METASTORE_URL}

# Where the tables' files live.
# storage:
#   root: .sluice/warehouse

# Defaults of all pipelines.
# exec:
#   max_threads: 2
#   memory_limit: 1GB
`,
    'pipelines/orders.yml': `# A pipeline: what to read, how to change it, where to write it.
# sluice preview pipelines/orders.yml    shows its first rows
# sluice run pipelines/orders.yml        loads what is new
in:
  type: file
  paths: ["data/orders*.csv"]       # relative to the project; also .gz, .zst, .bz2
  parser:
    type: csv
    skip_header_lines: 1
    columns:
      - {name: id, type: long}
      - {name: customer, type: string}
      - {name: amount, type: "decimal(12,2)"}
      - {name: ordered_at, type: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: UTC}

# filters:
#   - {type: where, condition: "amount > 0"}

out:
  type: warehouse
  table: shop.orders
  mode: append                      # or replace
  time_column: ordered_at           # partitions by day unless partition_by says otherwise

# exec:
#   max_rejects: 10                 # bad records beyond this stop the run; those within it are kept in shop.orders__rejects
`,
    'data/orders.csv': `id,customer,amount,ordered_at
1,anna,19.90,2026-01-01 09:12:00
2,ben,5.00,2026-01-01 17:40:31
3,anna,112.50,2026-01-02 08:03:12
`,
  };
}
