import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Tells whether the holder of a lease is a process of this machine, and whether that process still lives. */
export interface ProcessIdentity {
  /** Host, boot and process namespace: only within one of them do process ids mean the same. */
  readonly machine: string;
  readonly pid: number;
  /** Distinguishes processes that got the same id one after the other; empty where the system does not tell. */
  readonly started: string;
}

export function identifyProcess(): ProcessIdentity {
  const boot = tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = tryRead(() => readlinkSync('/proc/self/ns/pid'));
  return { machine: [hostname(), boot, namespace].join('/'), pid: process.pid, started: readStart(process.pid)?.started ?? '' };
}

/** False only for a process of this machine that has certainly ended. */
export function mayBeAlive(holder: ProcessIdentity, self: ProcessIdentity): boolean {
  if (holder.machine !== self.machine) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  const now = readStart(holder.pid);
  if (now === undefined || holder.started === '') return true;
  return now.started === holder.started && now.status !== 'Z';
}

/** Fields 3 and 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold blanks and parentheses. */
function readStart(pid: number): { readonly status: string; readonly started: string } | undefined {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [status, started] = [fields[0], fields[19]];
  return status === undefined || started === undefined ? undefined : { status, started };
}

/** Systems without /proc answer nothing, which means "unknown". */
function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
