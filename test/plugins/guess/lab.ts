import { guessConfig, type GuessedConfig } from '../../../src/core/engine/guess/index.js';
import type { GuessPlugin, JsonObject } from '../../../src/core/spi/index.js';
import bzip2 from '../../../src/plugins/guess-bzip2/index.js';
import csv from '../../../src/plugins/guess-csv/index.js';
import gzip from '../../../src/plugins/guess-gzip/index.js';
import json from '../../../src/plugins/guess-json/index.js';
import ltsv from '../../../src/plugins/guess-ltsv/index.js';
import parquet from '../../../src/plugins/guess-parquet/index.js';
import regexp from '../../../src/plugins/guess-regexp/index.js';
import zstd from '../../../src/plugins/guess-zstd/index.js';
import type { Lab } from '../parser-json/lab.js';

export const GUESS_PLUGINS: readonly GuessPlugin[] = [csv, json, gzip, bzip2, zstd, parquet, regexp, ltsv];

/** Guesses from bytes as the engine does; `decode` stands for the decoders. */
export function guessBytes(
  lab: Lab,
  bytes: string | Uint8Array,
  given: JsonObject = {},
  options: { complete?: boolean; decode?: (bytes: Uint8Array) => Uint8Array } = {},
): Promise<GuessedConfig> {
  const raw = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  return guessConfig({
    in: given,
    plugins: GUESS_PLUGINS,
    readSample: (section) =>
      Promise.resolve({
        bytes: section['decoders'] !== undefined && options.decode ? options.decode(raw) : raw,
        fileName: 'sample',
        complete: options.complete ?? true,
      }),
    ctx: lab.ctx,
  });
}
