import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEPT = 3;

/**
 * Compiles the sources and the given programs once for all test files and answers the programs' compiled paths. A child
 * process that starts hundreds of times must not load a compiler each time (0.4 s instead of 1.7 s).
 */
export async function compilePrograms(programs: readonly string[]): Promise<readonly string[]> {
  const sources = [...(await listSources(join(ROOT, 'src'))), ...programs].sort();
  const texts = await Promise.all(sources.map(async (path) => ({ path: relative(ROOT, path), text: await readFile(path, 'utf8') })));
  const hash = createHash('sha256');
  for (const { path, text } of texts) hash.update(`${path}\0${text}\0`);
  const cache = join(ROOT, 'node_modules', '.cache', 'sluice-programs');
  const folder = join(cache, hash.digest('hex').slice(0, 24));
  if (await exists(folder)) await utimes(folder, new Date(), new Date());
  else {
    const fresh = `${folder}.${randomUUID()}`;
    for (const { path, text } of texts) await compile(join(fresh, path.replace(/\.ts$/, '.js')), text);
    await writeFile(join(fresh, 'package.json'), '{"type": "module", "version": "0.0.0"}');
    // Another test file may have been quicker.
    await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
    await removeOld(cache);
  }
  return programs.map((path) => join(folder, relative(ROOT, path).replace(/\.ts$/, '.js')));
}

async function compile(path: string, text: string): Promise<void> {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, outputText);
}

async function listSources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name));
}

async function removeOld(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => !name.includes('.'));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(cache, name))).mtimeMs })));
  aged.sort((a, b) => b.at - a.at);
  for (const { name, at } of aged.slice(KEPT)) if (Date.now() - at > 3_600_000) await rm(join(cache, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
