import { damagedStream } from '../shared/decoder-error.js';
import { webAssembly } from '../shared/web-assembly.js';

/** The decoder's part of libzstd, as `zstddec` has compiled it. */
interface Libzstd {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  ZSTD_createDCtx(): number;
  /** 0 at the end of a frame; an error is a small negative number. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

type Instantiate = () => Promise<Libzstd>;

/** Of `ZSTD_ErrorCode`; the numbers are fixed since zstd 1.3.1. */
const ERRORS: Readonly<Record<number, string>> = {
  10: 'the data is not zstd, or something else follows the last frame',
  14: 'the frame needs features that are not supported',
  16: 'the frame needs a window of more than the 128 MiB that are allowed (was it written with --long?)',
  20: 'the data is corrupted',
  22: 'the checksum is wrong',
  32: 'the frame needs a dictionary, which is not supported',
};
const MAX_ERROR = 120;
const INPUT = 128 << 10;
const OUTPUT = 256 << 10;
/** Both `ZSTD_inBuffer` and `ZSTD_outBuffer`: pointer, size, position. */
const BUFFER_STRUCT = 12;

let loading: Promise<Instantiate> | undefined;

/** Compiled once in a process; every stream has an instance, whose memory goes with it. */
async function loadLibzstd(): Promise<Instantiate> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const { promise, resolve } = captured();
  // The package's own interface takes no stream of chunks that are waited for; this is where it hands its module out.
  class Loader extends ZSTDDecoder {
    override _init(result: { readonly module: object }): void {
      resolve(result.module);
    }
  }
  await new Loader().init();
  const module = await promise;
  return async () => {
    const instance = await webAssembly().instantiate(module, { env: { emscripten_notify_memory_growth: () => undefined } });
    return instance.exports as Libzstd;
  };
}

function captured(): { readonly promise: Promise<object>; readonly resolve: (value: object) => void } {
  let resolve: (value: object) => void = () => undefined;
  const promise = new Promise<object>((done) => (resolve = done));
  return { promise, resolve };
}

export async function openZstdStream(): Promise<ZstdStream> {
  loading ??= loadLibzstd();
  return new ZstdStream(await (await loading)());
}

/** One stream of frames. Content, sizes and checksums are verified by libzstd. */
export class ZstdStream {
  private readonly lib: Libzstd;
  private readonly context: number;
  private readonly input: number;
  private readonly output: number;
  /** Both structs, input first. */
  private readonly structs: number;
  /** What the last call answered: bytes it would like next, 0 between frames. */
  private wanted = 0;

  constructor(lib: Libzstd) {
    this.lib = lib;
    this.context = lib.ZSTD_createDCtx();
    this.input = lib.malloc(INPUT);
    this.output = lib.malloc(OUTPUT);
    this.structs = lib.malloc(2 * BUFFER_STRUCT);
  }

  /** What the bytes unfold to, in pieces that are valid until the next one. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let from = 0; from < bytes.length; from += INPUT) {
      const part = bytes.subarray(from, from + INPUT);
      new Uint8Array(this.lib.memory.buffer).set(part, this.input);
      for (let [consumed, full] = [0, true]; consumed < part.length || (full && this.wanted !== 0);) {
        const produced = this.step(part.length, consumed);
        [consumed, full] = [produced.consumed, produced.bytes === OUTPUT];
        if (produced.bytes > 0) yield new Uint8Array(this.lib.memory.buffer, this.output, produced.bytes);
      }
    }
  }

  /** The source has ended: it must not have done so within a frame. */
  end(): void {
    if (this.wanted !== 0) throw damagedStream('zstd', 'the stream ends too early');
  }

  private step(available: number, position: number): { readonly consumed: number; readonly bytes: number } {
    const words = new Uint32Array(this.lib.memory.buffer, this.structs, (2 * BUFFER_STRUCT) / 4);
    words.set([this.input, available, position, this.output, OUTPUT, 0]);
    const answer = this.lib.ZSTD_decompressStream(this.context, this.structs + BUFFER_STRUCT, this.structs);
    if (answer < 0 && answer >= -MAX_ERROR) throw damagedStream('zstd', ERRORS[-answer] ?? `the data is damaged (error ${-answer})`);
    this.wanted = answer;
    // The memory may have grown, and with it moved.
    const after = new Uint32Array(this.lib.memory.buffer, this.structs, (2 * BUFFER_STRUCT) / 4);
    return { consumed: after[2] as number, bytes: after[5] as number };
  }
}
