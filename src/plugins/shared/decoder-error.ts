import { DataError } from '../../core/spi/index.js';

/** The error of a compressed stream that is cut off or damaged. */
export function damagedStream(encoding: string, what: string, cause?: unknown): DataError {
  return new DataError({
    code: 'DECODE_FAILED',
    message: `${encoding}: ${what}`,
    hint: 'the file is damaged or incomplete: fetch or write it again; one that is not compressed in spite of its name is read by a config (load --save writes one) with in.decoders: []',
    ...(cause === undefined ? {} : { cause }),
  });
}
