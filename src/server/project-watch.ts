import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemError } from '../core/spi/index.js';

/** Folders whose files belong to what `serve` reads, besides sluice.yml. */
const FOLDERS = ['schedules', 'pipelines'];
const CONFIG = /\.(ya?ml|ya?ml\.liquid|sql)$/;

/** Tells whether config files of a project have changed, by their times and sizes. Cheap enough to ask every few seconds. */
export class ProjectWatch {
  readonly #root: string;
  #seen = '';

  constructor(root: string) {
    this.#root = root;
  }

  /** True when something differs from the last call; the first call only looks. */
  async changed(): Promise<boolean> {
    const files = [join(this.#root, 'sluice.yml')];
    for (const folder of FOLDERS) files.push(...(await listConfigs(join(this.#root, folder))));
    const marks = await Promise.all(files.map(markOf));
    const now = marks.join('\n');
    const before = this.#seen;
    this.#seen = now;
    return before !== '' && before !== now;
  }
}

async function listConfigs(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names
      .filter((name) => CONFIG.test(name))
      .map((name) => join(folder, name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileSystemError(error, `listing ${folder}`);
  }
}

async function markOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${file} ${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${file} -`;
    throw fileSystemError(error, `reading ${file}`);
  }
}
