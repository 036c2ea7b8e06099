import type { JobLogLine, JobRecord, JobStatus, JobStore } from '../core/spi/index.js';
import type { CommandContext } from './command.js';

const PAGE = 1000;
const POLL_MS = 500;
const ENDED: readonly JobStatus[] = ['success', 'error', 'killed'];

/** Prints the log of a job; with `follow` until it has ended. The exit code is 1 when it then ended badly. */
export async function followLog(context: CommandContext, store: JobStore, job: JobRecord, follow: boolean): Promise<number> {
  const { environment, signal } = context;
  let seq = 0;
  for (;;) {
    // Asked before the log is read: what is written until the end is then read, too.
    const now = follow ? await store.getJob(job.id) : job;
    for (;;) {
      const lines = await store.readLog(job.id, seq, PAGE);
      for (const line of lines) await print(context, line);
      seq = lines.at(-1)?.seq ?? seq;
      if (lines.length < PAGE) break;
    }
    if (!follow) return 0;
    if (!now || ENDED.includes(now.status)) return now?.status === 'success' ? 0 : 1;
    await environment.clock.sleep(POLL_MS, signal);
  }
}

async function print({ out }: CommandContext, { at, attempt, level, text }: JobLogLine): Promise<void> {
  const time = new Date(at).toISOString();
  if (out.json) return out.printJson({ event: 'job.log', time, attempt, level, text });
  await out.printLine(`${time.replace('T', ' ').slice(0, 23)} ${level.padEnd(5)} ${text}`);
}
