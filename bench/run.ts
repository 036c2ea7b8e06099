/**
 * Whole processes, each case as a ratio to its limit in the same run. `npm run bench -- [case…] [--rounds N]`.
 * Results are written by hand into bench/RESULTS.md with the machine and the date.
 */
import { cpus, totalmem } from 'node:os';
import { CASES } from './cases.js';

const args = process.argv.slice(2);
const at = args.indexOf('--rounds');
const rounds = at < 0 ? 3 : Number(args[at + 1]);
const names = args.filter((a, i) => !a.startsWith('--') && (at < 0 || i !== at + 1));

console.log(`machine: ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
for (const benchCase of CASES) {
  if (names.length > 0 && !names.includes(benchCase.name)) continue;
  const started = Date.now();
  const lines = await benchCase.run(rounds);
  console.log(`\n${benchCase.name}: ${benchCase.title} (bar: ${benchCase.bar})`);
  for (const line of lines) console.log(`  ${line}`);
  console.log(`  [${((Date.now() - started) / 1000).toFixed(0)} s]`);
}
