import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DOORS = { './spi': 'core/spi/index.ts', './conformance': 'conformance/index.ts' };

/** Makes `import … from 'sluice/spi'` in a project's plugins mean the source that runs, so that there is one copy of it. */
export function installSource(project: string): void {
  const folder = join(project, 'node_modules', 'sluice');
  mkdirSync(folder, { recursive: true });
  const exports: Record<string, string> = {};
  for (const [door, source] of Object.entries(DOORS)) {
    exports[door] = `${door}.mjs`;
    writeFileSync(join(folder, `${door}.mjs`), `export * from '${new URL(`../src/${source}`, import.meta.url).href}';\n`);
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'sluice', exports }));
}
