/**
 * Writes what follows from the source: docs/reference/, configs/schema/ and the table of docs/embulk-differences.md. With --check it writes nothing and fails
 * when a file is stale. `--root DIR` puts the files elsewhere.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRegistry } from '../src/core/registry/index.js';
import { BUILTIN_PLUGINS } from '../src/plugins/builtins.js';
import { writeCliPage } from './generate/cli-page.js';
import { writeConfigPage } from './generate/config-page.js';
import { makePipelineSchema, makeProjectSchema, makeScheduleSchema } from './generate/editor-schema.js';
import { writeEmbulkPage } from './generate/embulk-cases.js';
import { writeEmbulkOptionsPage } from './generate/embulk-options.js';
import { writeErrorsPage } from './generate/errors-page.js';
import { writeOpenApi } from './generate/openapi-document.js';
import { loadPlugins } from './generate/plugins.js';
import { writePluginIndex, writePluginPage } from './generate/plugin-page.js';
import { writeTypeMatrixPage } from './generate/type-matrix-page.js';

const COMMAND = 'node --import tsx scripts/generate.ts';
/** Folders in which every file is generated. */
const OWNED = ['docs/reference/plugins', 'configs/schema'];

const source = fileURLToPath(new URL('../src', import.meta.url));
const rootAt = process.argv.indexOf('--root');
const root = (rootAt > 0 && process.argv[rootAt + 1]) || join(source, '..');

async function generate(): Promise<Map<string, string>> {
  const plugins = await loadPlugins(createRegistry({ builtins: BUILTIN_PLUGINS }), BUILTIN_PLUGINS);
  const files = new Map<string, string>();
  files.set('configs/schema/pipeline.schema.json', formatJson(makePipelineSchema(plugins)));
  files.set('configs/schema/schedule.schema.json', formatJson(makeScheduleSchema()));
  files.set('configs/schema/sluice.schema.json', formatJson(makeProjectSchema()));
  files.set(
    'docs/embulk-differences.md',
    await writeEmbulkPage(await readFile(join(source, '../docs/embulk-differences.md'), 'utf8'), join(source, '../test/cases')),
  );
  files.set('docs/reference/cli.md', await writeCliPage());
  files.set('docs/reference/config.md', writeConfigPage(plugins));
  files.set('docs/reference/embulk-options.md', writeEmbulkOptionsPage());
  files.set('docs/reference/openapi.json', await writeOpenApi(join(source, '..')));
  files.set('docs/reference/errors.md', await writeErrorsPage(source));
  files.set('docs/reference/plugins/README.md', writePluginIndex(plugins));
  files.set('docs/reference/type-matrix.md', writeTypeMatrixPage());
  for (const plugin of plugins) files.set(`docs/reference/plugins/${plugin.kind}-${plugin.type}.md`, writePluginPage(plugin));
  return files;
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

async function findStale(files: ReadonlyMap<string, string>): Promise<{ changed: readonly string[]; extra: readonly string[] }> {
  const changed: string[] = [];
  for (const [path, text] of files) if ((await readFile(join(root, path), 'utf8').catch(() => undefined)) !== text) changed.push(path);
  const extra: string[] = [];
  for (const folder of OWNED) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = relative(root, join(entry.parentPath, entry.name));
      if (entry.isFile() && !files.has(path)) extra.push(path);
    }
  }
  return { changed, extra };
}

const files = await generate();
const { changed, extra } = await findStale(files);
if (process.argv.includes('--check')) {
  for (const path of changed) process.stderr.write(`stale: ${path}\n`);
  for (const path of extra) process.stderr.write(`no longer generated: ${path}\n`);
  if (changed.length + extra.length > 0) {
    process.stderr.write(`run: ${COMMAND}\n`);
    process.exitCode = 1;
  }
} else {
  for (const path of changed) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), files.get(path) ?? '');
    process.stdout.write(`wrote ${path}\n`);
  }
  for (const path of extra) {
    await rm(join(root, path));
    process.stdout.write(`removed ${path}\n`);
  }
}
