import type { TaskContext } from '../../core/spi/index.js';
import { besideScan } from '../shared/beside-scan.js';
import { ByteSearch, type ByteView } from '../shared/byte-search.js';
import { CHUNK_BYTES } from '../shared/file-chunks.js';
import type { Dialect } from './dialect.js';
import { HEAD_BYTES, SHORT_HEAD_BYTES, type FieldOrder, type HeaderWatch } from './header-watch.js';
import type { BytePass, PassedFiles } from './native-lane.js';
import { PlainFields, roomBefore, type PlainForm } from './plain-fields.js';
import { chooseLane, routingNeedles, type NativeNewline } from './routing.js';
import { ShapeSampler, tooManyErrors } from './shape-sampler.js';
import type { TextFile } from './text-file.js';

/** What was assumed of files that nobody has looked into yet. */
export interface Prediction {
  readonly headers: HeaderWatch;
  /** Per file; of the files `later` it is corrected when they are read. */
  readonly orders: FieldOrder[];
  /** Files whose header is still to be compared. */
  readonly later: ReadonlySet<number>;
  readonly newline: NativeNewline;
  /** Of the fields of each record, where the scan relies on them. */
  readonly forms?: readonly (PlainForm | undefined)[];
}

/** Counts and hashes the files once it is begun; the main thread works in slices of one chunk. */
export function bytePass(files: readonly TextFile[], dialect: Dialect, ctx: TaskContext, prediction?: Prediction): BytePass {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let wrong: string | undefined;
  const pass = new Pass(files, dialect, prediction, (why) => (wrong ??= why));
  const run = async (): Promise<PassedFiles> => {
    try {
      return await pass.run({ ...ctx, signal, progress: (step) => ctx.progress(step) });
    } catch (error) {
      wrong ??= 'the pass over the bytes failed';
      throw error;
    }
  };
  const { begin, result } = besideScan(run);
  return { begin, result, contradiction: () => wrong ?? pass.tooManyErrors(), isPlain: () => pass.isPlain, stop: () => stop.abort() };
}

class Pass {
  readonly #files: readonly TextFile[];
  readonly #dialect: Dialect;
  readonly #sampler: ShapeSampler;
  readonly #prediction: Prediction | undefined;
  readonly #contradict: (why: string) => void;
  #plain: PlainFields | undefined;

  constructor(files: readonly TextFile[], dialect: Dialect, prediction: Prediction | undefined, contradict: (why: string) => void) {
    this.#files = files;
    this.#dialect = dialect;
    this.#sampler = new ShapeSampler(dialect);
    this.#prediction = prediction;
    this.#contradict = contradict;
  }

  tooManyErrors(): string | undefined {
    return this.#sampler.tooManyErrors() ?? (this.#plain && tooManyErrors(this.#plain.records, this.#plain.misshapen));
  }

  get isPlain(): boolean {
    return this.#plain?.other === undefined;
  }

  async run(ctx: TaskContext): Promise<PassedFiles> {
    const { list: needles } = routingNeedles(this.#dialect);
    const results: Awaited<ReturnType<TextFile['scan']>>[] = [];
    // Files are read into its room, chunks of unpacked ones are copied there.
    const largest = Math.max(0, ...this.#files.map((file) => file.size));
    const { forms, newline = '\\n' } = this.#prediction ?? {};
    const search = new ByteSearch(Math.min(CHUNK_BYTES, largest + 1), forms ? roomBefore(forms.length, this.#dialect.nullString?.length ?? 0) : 0);
    const plain = forms && (this.#plain = new PlainFields(search, this.#dialect, newline, forms));
    for (const [i, file] of this.#files.entries()) {
      let start: Uint8Array | undefined;
      plain?.beginFile();
      const onChunk = (chunk: Uint8Array, offset: number, view: ByteView | undefined): void => {
        if (plain && plain.other === undefined) plain.take(view?.start ?? -1, chunk.length);
        else this.#sampler.add(chunk);
        if (offset === 0 && this.#prediction?.later.has(i) === true) start = this.#takeStart(i, chunk);
      };
      let skip = this.#dialect.skipLines;
      const onLines = (lines: number): void => {
        const rows = Math.max(0, lines - skip);
        skip -= lines - rows;
        ctx.progress({ rows });
      };
      const result = await file.scan({ needles, onChunk, onLines, search }, ctx);
      plain?.endFile();
      results.push(result);
      if (this.#prediction) await this.#compare(i, file, result, start, this.#prediction);
    }
    return results;
  }

  /** The beginning of a file whose header must be parsed; undefined when it is one that is known. */
  #takeStart(i: number, chunk: Uint8Array): Uint8Array | undefined {
    const known = this.#prediction?.headers.sameAsKnown(chunk);
    if (known && this.#prediction) this.#prediction.orders[i] = known.order;
    return known ? undefined : Uint8Array.from(chunk.subarray(0, SHORT_HEAD_BYTES));
  }

  async #compare(
    i: number,
    file: TextFile,
    { facts }: Awaited<ReturnType<TextFile['scan']>>,
    start: Uint8Array | undefined,
    told: Prediction,
  ): Promise<void> {
    const { headers, orders, later, newline } = told;
    if (later.has(i) && (start || facts.bytes === 0)) {
      const bytes = Buffer.from(start ?? []);
      orders[i] = await headers.orderOf(file.name, { bytes, complete: bytes.length === facts.bytes }, () => file.head(HEAD_BYTES));
    }
    if (String(orders[i]) !== String(orders[0])) this.#contradict('the files have their columns in different orders');
    const lane = chooseLane(this.#dialect, [facts]);
    if (lane.lane === 'own') this.#contradict(lane.why);
    else if (lane.newline !== newline && facts.lf + facts.cr > 0) this.#contradict('the files have different newlines');
  }
}
