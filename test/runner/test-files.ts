import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

export const testKinds = ['unit', 'prop', 'int', 'crash'] as const;
export type TestKind = (typeof testKinds)[number];

export interface TestFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly kind: TestKind;
}

/** `orders.int.test.ts` is an `int` test; a name without a kind is a `unit` test. Undefined for a file that is no test. */
export function kindOf(path: string): TestKind | undefined {
  const match = /^(?<stem>.+?)\.test\.ts$/.exec(path);
  if (match === null) return undefined;
  const suffix = /\.(?<kind>[a-z]+)$/.exec(match.groups?.['stem'] ?? '')?.groups?.['kind'];
  if (suffix === undefined) return 'unit';
  const kind = testKinds.find((known) => known === suffix);
  if (kind === undefined) throw new Error(`${path}: expected a kind of test (${testKinds.join(', ')}), found "${suffix}"`);
  return kind;
}

/** Every test file below `root/test`, sorted; a filter matches when the path contains it, and no filter means all. */
export async function findTestFiles(root: string, filters: readonly string[], kinds: readonly TestKind[]): Promise<TestFile[]> {
  const entries = await readdir(join(root, 'test'), { recursive: true, withFileTypes: true });
  const files: TestFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || entry.parentPath.includes(`${sep}node_modules`)) continue;
    const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/');
    const kind = kindOf(path);
    if (kind === undefined || !kinds.includes(kind)) continue;
    if (filters.length > 0 && !filters.some((filter) => path.includes(filter.replace(/^\.\//, '')))) continue;
    files.push({ path, kind });
  }
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}
