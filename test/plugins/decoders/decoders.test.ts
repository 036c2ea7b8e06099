import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError, type DecoderPlugin } from '../../../src/core/spi/index.js';
import bzip2 from '../../../src/plugins/decoder-bzip2/index.js';
import gzip from '../../../src/plugins/decoder-gzip/index.js';
import zstd from '../../../src/plugins/decoder-zstd/index.js';
import { ctx, decode } from './harness.js';

interface Kind {
  readonly decoder: DecoderPlugin<never>;
  /** Compresses with the reference program. */
  pack(bytes: Uint8Array): Buffer;
}

const run = (program: string, args: readonly string[]) => (bytes: Uint8Array) =>
  execFileSync(program, args, { input: bytes, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });
const kinds: Readonly<Record<string, Kind>> = {
  gzip: { decoder: gzip as DecoderPlugin<never>, pack: run('gzip', ['-c']) },
  bzip2: { decoder: bzip2 as DecoderPlugin<never>, pack: run('bzip2', ['-c']) },
  zstd: { decoder: zstd as DecoderPlugin<never>, pack: run('zstd', ['-c', '-q']) },
};

function noise(length: number, alphabet: number): Buffer {
  let state = 12345;
  return Buffer.from(Uint8Array.from({ length }, () => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16) % alphabet));
}

const samples: Readonly<Record<string, Buffer>> = {
  'one byte': Buffer.from('x'),
  text: Buffer.from('id,name\n1,é\n'.repeat(50_000)),
  noise: noise(300_000, 256),
  'few symbols': noise(2_000_000, 3),
  'long runs': Buffer.concat([
    Buffer.alloc(700_001, 97),
    Buffer.alloc(3, 98),
    Buffer.alloc(4, 98),
    Buffer.alloc(259, 99),
    Buffer.alloc(5_000_000, 0),
  ]),
  'runs of four and five': Buffer.from('aaaab' + 'cccc' + 'ddddd' + 'eeee'.repeat(300)),
};

async function fails(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  assert.instance(error, DataError);
  const found = error as DataError;
  assert.is(found.code, 'DECODE_FAILED');
  assert.match(found.message, pattern);
  assert.match(found.hint ?? '', /damaged or incomplete/);
}

for (const [name, { decoder, pack }] of Object.entries(kinds)) {
  for (const [sample, bytes] of Object.entries(samples)) {
    test(`${name}: ${sample} comes back whatever the pieces are`, async () => {
      const packed = pack(bytes);
      for (const size of [packed.length, 65_536, 997]) assert.ok(bytes.equals(await decode(decoder, packed, size)));
    });
  }

  test(`${name}: several streams in one file are one text`, async () => {
    const packed = Buffer.concat([pack(Buffer.from('a,b\n')), pack(Buffer.from('')), pack(Buffer.from('c,d\n'))]);
    assert.is((await decode(decoder, packed)).toString(), 'a,b\nc,d\n');
    assert.is((await decode(decoder, packed, 1)).toString(), 'a,b\nc,d\n');
  });

  test(`${name}: nothing in, nothing out`, async () => {
    assert.is((await decode(decoder, pack(Buffer.alloc(0)))).length, 0);
  });

  test(`${name}: a stream that is cut anywhere is an error`, async () => {
    const packed = pack(samples['text'] as Buffer);
    for (const share of [0.1, 0.5, 0.9]) await fails(decode(decoder, packed.subarray(0, Math.floor(packed.length * share))), new RegExp(name));
    await fails(decode(decoder, packed.subarray(0, packed.length - 1)), new RegExp(name));
  });

  test(`${name}: one wrong bit is an error`, async () => {
    const packed = pack(samples['noise'] as Buffer);
    for (const share of [0.2, 0.5, 0.8]) {
      const damaged = Buffer.from(packed);
      const at = Math.floor(packed.length * share);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      await fails(decode(decoder, damaged), new RegExp(name));
    }
  });

  test(`${name}: other data is an error`, () => fails(decode(decoder, Buffer.from('id,name\n1,x\n')), new RegExp(name)));

  test(`${name}: the first bytes tell the encoding`, () => {
    const magic = decoder.magic as Uint8Array;
    assert.equal([...pack(Buffer.from('x')).subarray(0, magic.length)], [...magic]);
  });

  test(`${name}: an error of the source passes through unchanged`, async () => {
    const packed = pack(samples['noise'] as Buffer);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 100);
      throw new RangeError('the network is gone');
    }
    const read = async (): Promise<void> => {
      for await (const _ of decoder.decode(broken(), {} as never, ctx)) continue;
    };
    const error = await read().catch((e: unknown) => e);
    assert.instance(error, RangeError);
  });

  test(`${name}: a reader that stops early ends the source`, async () => {
    const packed = pack(samples['noise'] as Buffer);
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield packed;
      } finally {
        closed = true;
      }
    }
    for await (const _ of decoder.decode(endless(), {} as never, ctx)) break;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(closed);
  });

  test(`${name}: a bomb unfolds piece by piece`, async () => {
    const packed = pack(Buffer.alloc(64 << 20));
    let total = 0;
    let largest = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      yield packed;
    }
    const before = process.memoryUsage().rss;
    let most = before;
    for await (const part of decoder.decode(source(), {} as never, ctx)) {
      total += part.length;
      largest = Math.max(largest, part.length);
      if (total % (16 << 20) < part.length) most = Math.max(most, process.memoryUsage().rss);
    }
    assert.is(total, 64 << 20);
    assert.ok(largest <= 1 << 20, `a piece of ${largest} bytes`);
    assert.ok(most - before < 48 << 20, `grew by ${most - before} bytes`);
  });
}

test('bzip2: a wrong checksum is an error', async () => {
  const pack = (kinds['bzip2'] as Kind).pack;
  const packed = pack(Buffer.from('hello'));
  packed[11] = (packed[11] as number) ^ 1;
  await fails(decode(bzip2 as DecoderPlugin<never>, packed), /wrong checksum/);
});

test('zstd: a wrong checksum is an error', async () => {
  const packed = (kinds['zstd'] as Kind).pack(Buffer.from('hello'));
  packed[packed.length - 1] = (packed.at(-1) as number) ^ 1;
  await fails(decode(zstd as DecoderPlugin<never>, packed), /checksum is wrong/);
});

test('zstd: skippable frames are skipped', async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const packed = Buffer.concat([skippable, (kinds['zstd'] as Kind).pack(Buffer.from('hello')), skippable]);
  assert.is((await decode(zstd as DecoderPlugin<never>, packed, 2)).toString(), 'hello');
});

test('zstd: a window beyond 128 MiB is refused', async () => {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 1, 0, 0]);
  await fails(decode(zstd as DecoderPlugin<never>, header), /window of more than the 128 MiB/);
});

test.run();
