import { ConfigError } from '../core/spi/index.js';

/** Epoch milliseconds of unix seconds, or of `2026-01-31 12:00:00` with or without a zone (UTC). Throws ConfigError USAGE. */
export async function parseScheduledTime(text: string, option = 'scheduled-time'): Promise<number> {
  const { parseTimeText } = await import('../warehouse/index.js');
  const seconds = /^-?\d{1,12}$/.test(text) ? Number(text) : parseTimeText(text);
  if (seconds !== undefined) return seconds * 1000;
  throw new ConfigError({
    code: 'USAGE',
    message: `--${option}: expected a time, found ${text}`,
    hint: `e.g. --${option} '2026-01-31 12:00:00', '2026-01-31 Asia/Tokyo' or 1769860800`,
  });
}
