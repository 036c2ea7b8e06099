/**
 * Whole processes, each case as a ratio to its limit in the same run. `npm run bench -- [case…] [--rounds N] [--rows N]`;
 * `--rows` holds for the cases of databases and S3, `--list` tells the names.
 * Results are written by hand into bench/RESULTS.md with the machine and the date.
 */
import { cpus, totalmem } from 'node:os';
import { CASES } from './cases.js';
import { DATABASE_CASES } from './database-cases.js';
import { MEMORY_CASES } from './memory-cases.js';
import { TRANSFER_CASES } from './transfer-cases.js';

const args = process.argv.slice(2);
function option(name: string, standard: number): number {
  const at = args.indexOf(name);
  return at < 0 ? standard : Number(args.splice(at, 2)[1]);
}
const rounds = option('--rounds', 3);
const rows = option('--rows', 2_000_000);
const cases = [...CASES, ...DATABASE_CASES, ...TRANSFER_CASES, ...MEMORY_CASES];
const names = args.filter((a) => !a.startsWith('--'));
const unknown = names.filter((name) => !cases.some((each) => each.name === name));
if (unknown.length > 0 || args.includes('--list')) {
  for (const each of cases) console.log(`${each.name}: ${each.title} (bar: ${each.bar})`);
  if (unknown.length > 0) throw new Error(`no case ${unknown.join(', ')}`);
  process.exit();
}

console.log(`machine: ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
for (const benchCase of cases) {
  if (names.length > 0 && !names.includes(benchCase.name)) continue;
  const started = Date.now();
  const lines = await benchCase.run(rounds, rows);
  console.log(`\n${benchCase.name}: ${benchCase.title} (bar: ${benchCase.bar})`);
  for (const line of lines) console.log(`  ${line}`);
  console.log(`  [${((Date.now() - started) / 1000).toFixed(0)} s]`);
}
