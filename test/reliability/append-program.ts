import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processEnvironment } from '../../src/cli/environment.js';
import { main } from '../../src/cli/main.js';

/** One of several processes that append to the same table: a new file and a run of its own pipeline, again and again. */
export interface AppendTask {
  readonly cwd: string;
  readonly name: string;
  readonly appends: number;
  readonly rows: number;
}

const { cwd, name, appends, rows } = JSON.parse(process.argv[2] ?? '{}') as AppendTask;
process.chdir(cwd);
process.send?.('ready');
await new Promise((resolve) => process.once('message', resolve));
for (let i = 0; i < appends; i++) {
  const lines = Array.from({ length: rows }, (_, row) => `${name},${i},${row},2026-01-0${1 + (row % 2)}`);
  await writeFile(join(cwd, 'data', `${name}-${String(i).padStart(3, '0')}.csv`), `${lines.join('\n')}\n`);
  const code = await main(['run', `${name}.yml`], { ...processEnvironment(), cwd });
  if (code !== 0) {
    process.exitCode = code;
    break;
  }
}
if (process.connected) process.disconnect();
