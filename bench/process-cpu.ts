import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Own and ended children's, in seconds. */
  readonly cpu: number;
}

/** CPU seconds that a process and all below it have used until now, also those that have ended. */
export function cpuBelow(pid: number): number {
  const stats = readStats();
  const below = (parent: number): number => stats.filter((each) => each.parent === parent).reduce((sum, each) => sum + each.cpu + below(each.pid), 0);
  return (stats.find((each) => each.pid === pid)?.cpu ?? 0) + below(pid);
}

/** Resident megabytes of a process and all below it. */
export function memoryBelow(pid: number): number {
  const own = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return readStats()
    .filter((each) => each.parent === pid)
    .reduce((sum, each) => sum + memoryBelow(each.pid), Number(own) / 1000);
}

/** The oldest process with this in its command line. */
export function findProcess(text: string): number {
  const found = readStats().filter(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text));
  return Math.min(...found.map(({ pid }) => pid));
}

/** proc(5): fields 4 and 14 to 17. */
function readStats(): readonly Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .map(Number);
        const cpu = fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND;
        return [{ pid: Number(name), parent: fields[1] ?? 0, cpu }];
      } catch (error) {
        // It ended meanwhile.
        if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
        throw error;
      }
    });
}
