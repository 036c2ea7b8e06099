import { ConfigError } from '../core/spi/index.js';
import { parseTimeText } from '../warehouse/query/td/times.js';
import { UTC } from '../warehouse/query/td/zones.js';

/** Epoch milliseconds of unix seconds, or of `2026-01-31 12:00:00` with or without a zone (UTC). Throws ConfigError USAGE. */
export function parseScheduledTime(text: string): number {
  const seconds = /^-?\d{1,12}$/.test(text) ? Number(text) : parseTimeText(text, UTC);
  if (seconds !== undefined) return seconds * 1000;
  throw new ConfigError({
    code: 'USAGE',
    message: `--scheduled-time: expected a time, found ${text}`,
    hint: "e.g. --scheduled-time '2026-01-31 12:00:00', '2026-01-31 Asia/Tokyo' or 1769860800",
  });
}
