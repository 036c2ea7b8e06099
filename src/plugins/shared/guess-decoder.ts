import type { ConfigSchema, GuessResult, GuessSample, JsonObject } from '../../core/spi/index.js';

/** Guess plugins take no config of their own. */
export const guessSchema = { type: 'object', additionalProperties: false, properties: {} } as const satisfies ConfigSchema;

/** Adds a decoder when the sample starts with its magic bytes (hex) and the user named no decoders. */
export function guessDecoder(config: JsonObject, sample: GuessSample, type: string, magic: string): GuessResult | undefined {
  if (config['decoders'] !== undefined) return undefined;
  const first = Buffer.from(sample.bytes.subarray(0, magic.length / 2)).toString('hex');
  if (first !== magic) return undefined;
  return { in: { decoders: [{ type }] }, notes: [{ path: 'decoders', text: `the first bytes are those of ${type}` }], warnings: [] };
}
