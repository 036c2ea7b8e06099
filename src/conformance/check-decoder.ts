import { extname } from 'node:path';
import type { DecoderPlugin, JsonObject } from '../core/spi/index.js';
import { errorOf, expect, expectEqual, runChecks, type Check } from './checks.js';
import { declarationChecks, prepareConfig } from './declaration.js';
import { inLab } from './lab.js';

export interface DecoderCase {
  readonly title: string;
  readonly config?: JsonObject;
  readonly encoded: Uint8Array;
  readonly decoded: Uint8Array;
}

/** Holds a decoder against its contract. Answers the names of the checks; throws ConformanceError. */
export function checkDecoder<C>(plugin: DecoderPlugin<C>, cases: readonly DecoderCase[]): Promise<readonly string[]> {
  const decoder = plugin as unknown as DecoderPlugin;
  return runChecks(`decoder ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config ?? {}),
    ),
    {
      name: 'extensions start with a dot',
      run: () =>
        expect(
          plugin.extensions.every((extension) => extname(`file${extension}`) === extension),
          'expected texts such as ".gz"',
        ),
    },
    ...cases.flatMap((c) => caseChecks(decoder, c)),
  ]);
}

function caseChecks(decoder: DecoderPlugin, c: DecoderCase): readonly Check[] {
  return [
    ...[c.encoded.length, 4096, 1].map((step) => ({
      name: `${c.title}: decodes pieces of ${step} bytes`,
      run: async () => {
        if (step === 1 && c.encoded.length > 100_000) return;
        const found = await decode(decoder, c, c.encoded, Math.max(1, step));
        expect(found.equals(c.decoded), `expected ${c.decoded.length} bytes as given, found ${found.length} others`);
      },
    })),
    {
      name: `${c.title}: a stream that is cut off is an error`,
      run: async () => {
        if (c.encoded.length < 2) return;
        const error = await errorOf(() => decode(decoder, c, c.encoded.subarray(0, c.encoded.length - 1), 4096));
        expectEqual(error.name, 'DataError', 'class of the error');
      },
    },
    {
      name: `${c.title}: bytes of something else are an error`,
      run: async () => {
        const error = await errorOf(() => decode(decoder, c, Buffer.from('plain text, which is nothing encoded\n'.repeat(9)), 4096));
        expectEqual(error.name, 'DataError', 'class of the error');
      },
    },
  ];
}

async function decode(decoder: DecoderPlugin, c: DecoderCase, encoded: Uint8Array, step: number): Promise<Buffer> {
  const config = await prepareConfig(decoder, c.config ?? {});
  return inLab(async (lab) => {
    const parts: Buffer[] = [];
    for await (const part of decoder.decode(pieces(encoded, step), config, lab.context())) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  });
}

async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield Promise.resolve(bytes.subarray(at, at + step));
}
