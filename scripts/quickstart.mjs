// Loads the example files into a warehouse in a fresh folder and asks it a question: the README's first command.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-quickstart-'));
cpSync(join(root, 'examples', 'quickstart'), folder, { recursive: true, filter: (path) => !path.includes('.sluice') });

function sluice(...args) {
  const shown = args.map((a) => (/[\s"*]/.test(a) ? `"${a}"` : a)).join(' ');
  process.stdout.write(`\n$ sluice ${shown}\n`);
  const { status } = spawnSync(process.execPath, [join(root, 'bin', 'sluice.cjs'), ...args], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

sluice('run', 'pipelines/orders.yml', 'pipelines/events.yml');
sluice(
  'query',
  '--format',
  'table',
  'SELECT customer, count(*) AS orders, sum(quantity * price) AS spent FROM shop.orders GROUP BY customer ORDER BY spent DESC',
);
process.stdout.write(`\nThe project is in ${folder}\n`);
