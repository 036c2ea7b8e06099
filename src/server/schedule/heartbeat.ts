import { SluiceError, type Logger } from '../../core/spi/index.js';
import type { Scheduler } from './scheduler.js';

export interface Heartbeat {
  /** Resolves when the beat under way, if any, has ended. */
  stop(): Promise<void>;
}

/** Ticks every second, one tick at a time. A tick that fails is logged, and the next one tries again. */
export async function startHeartbeat(scheduler: Pick<Scheduler, 'tick'>, log: Logger): Promise<Heartbeat> {
  const { schedule } = await import('node-cron');
  let running: Promise<void> | undefined;
  const beat = async (): Promise<void> => {
    try {
      while ((await scheduler.tick()).more && !stopped);
    } catch (error) {
      const code = error instanceof SluiceError ? error.code : 'UNEXPECTED';
      log.log('error', `scheduler: ${error instanceof Error ? error.message : String(error)}`, { code });
    }
  };
  let stopped = false;
  const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
  const task = schedule(
    '* * * * * *',
    () => {
      running ??= beat().finally(() => (running = undefined));
      return running;
    },
    // A beat that comes late is no news: the tick after it does the same.
    { timezone: 'UTC', noOverlap: true, suppressMissedWarning: true, logger: silent },
  );
  return {
    async stop() {
      stopped = true;
      await task.destroy();
      await running;
    },
  };
}
