import { randomBytes } from 'node:crypto';
import type { EncoderPlugin, JsonObject } from '../core/spi/index.js';
import { expect, runChecks, within, type Check } from './checks.js';
import { declarationChecks, prepareConfig } from './declaration.js';
import { inLab } from './lab.js';

export interface EncoderCase {
  readonly title: string;
  readonly config: JsonObject;
  /** The counterpart: encoded bytes as they were. */
  decode(encoded: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** Holds an encoder against its contract. Answers the names of the checks; throws ConformanceError. */
export function checkEncoder<C>(plugin: EncoderPlugin<C>, cases: readonly EncoderCase[]): Promise<readonly string[]> {
  const encoder = plugin as unknown as EncoderPlugin;
  return runChecks(`encoder ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(encoder, c)),
  ]);
}

const SAMPLES: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('x')],
  ['text', Buffer.from('a line of text, many times\n'.repeat(20_000))],
  ['noise', randomBytes(200_000)],
];

function caseChecks(encoder: EncoderPlugin, c: EncoderCase): readonly Check[] {
  const encode = (source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> =>
    inLab(async (lab) => {
      const parts: Buffer[] = [];
      for await (const chunk of encoder.encode(source, await prepareConfig(encoder, c.config), lab.context({ signal })))
        parts.push(Buffer.from(chunk));
      return Buffer.concat(parts);
    });
  return [
    ...SAMPLES.flatMap(([name, bytes]) =>
      [1013, 1 << 17].map((step): Check => ({
        name: `${c.title}: ${name} in pieces of ${step} bytes comes back`,
        async run() {
          const decoded = await c.decode(await encode(pieces(bytes, step), new AbortController().signal));
          expect(Buffer.from(decoded).equals(bytes), 'the decoded bytes differ');
        },
      })),
    ),
    {
      name: `${c.title}: fails with its source`,
      async run() {
        const source = (async function* () {
          yield Buffer.from('x');
          await Promise.resolve();
          throw new Error('the source is gone');
        })();
        const error: unknown = await encode(source, new AbortController().signal).catch((thrown: unknown) => thrown);
        expect(error instanceof Error && error.message === 'the source is gone', 'expected the error of the source');
      },
    },
    {
      name: `${c.title}: stops when it is aborted`,
      run: async () =>
        void (await within(5000, 'encoding', Promise.allSettled([encode(pieces(SAMPLES[2]?.[1] ?? Buffer.alloc(0), 100), AbortSignal.abort())]))),
    },
  ];
}

/** Always in the same buffer, as sources may do. */
async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}
