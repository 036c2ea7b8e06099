import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** Every page that a user reads: README, changelog, docs and examples. */
export function readPages(): readonly Page[] {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  const paths = ['README.md', 'CHANGELOG.md', ...below('docs'), ...below('examples')].filter((path) => !path.includes('node_modules'));
  return paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}
