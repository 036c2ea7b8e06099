import type { RowPlace } from '../../core/spi/index.js';
import { fileChunks } from '../shared/file-chunks.js';
import type { CsvTask } from './csv-task.js';
import { CR, LF, MAX_RECORD } from './dialect.js';
import type { NativeNewline } from './routing.js';
import { hasMark } from './walk-records.js';

const BATCH = 1000;
const BATCH_BYTES = 4 << 20;
const NOTHING = Buffer.alloc(0);

/**
 * The same as `locateRows` for files whose every line behind the header is one good record: lines are found ten times as
 * fast as records. `rows` per file; the ordinals come in batches.
 */
export async function* locateLines(
  task: CsvTask,
  newline: NativeNewline,
  rows: readonly number[],
  batches: AsyncIterable<Float64Array>,
  withRaw: boolean,
): AsyncGenerator<RowPlace[]> {
  let file = -1;
  let before = 0;
  let last = 0;
  let lines: LineCursor | undefined;
  try {
    for await (const ordinals of batches) {
      let batch: RowPlace[] = [];
      let bytes = 0;
      for (const ordinal of ordinals) {
        while (ordinal > last) {
          await lines?.close();
          lines = undefined;
          before = last;
          last += rows[++file] as number;
        }
        const { name, path, base } = task.files[file] as CsvTask['files'][number];
        lines ??= new LineCursor(path, newline, task.ctx.signal);
        const recordNumber = ordinal - before;
        while (!lines.find(recordNumber + task.dialect.skipLines)) await lines.readOn();
        const raw = withRaw && lines.bytes.length <= MAX_RECORD ? lines.bytes.toString('utf8') : null;
        if (raw !== null) bytes += lines.bytes.length;
        batch.push({ source: name, recordNumber, byteOffset: base === null ? null : base + lines.offset, raw });
        if (batch.length < BATCH && bytes < BATCH_BYTES) continue;
        yield batch;
        batch = [];
        bytes = 0;
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    await lines?.close();
  }
}

/** Goes through the lines of a file, forwards. */
class LineCursor {
  /** The line that was found, without its end; valid until the next one is sought. */
  bytes: Buffer = NOTHING;
  /** Of its first byte in the file. */
  offset = 0;
  readonly #newline: NativeNewline;
  readonly #end: number;
  readonly #path: string;
  readonly #chunks: AsyncGenerator<Uint8Array>;
  /** 1-based number of the line that was found. */
  #found = 0;
  /** Lines that ended before `#from`. */
  #passed = 0;
  #chunk: Buffer = NOTHING;
  /** Where the chunk stands in the file. */
  #base = 0;
  #from = 0;
  /** The beginning of a line whose end is in a later chunk. */
  #rest: Buffer = NOTHING;
  #ended = false;

  constructor(path: string, newline: NativeNewline, signal: AbortSignal) {
    this.#path = path;
    this.#newline = newline;
    this.#end = newline === '\\r' ? CR : LF;
    this.#chunks = fileChunks(path, { signal });
  }

  /** Whether the line ends in what was read; numbers must not descend. */
  find(number: number): boolean {
    if (number === this.#found) return true;
    for (let at = this.#chunk.indexOf(this.#end, this.#from); at >= 0; at = this.#chunk.indexOf(this.#end, this.#from)) {
      const tail = this.#chunk.subarray(this.#from, at);
      const start = this.#base + this.#from;
      this.#from = at + 1;
      if (++this.#passed === number) return this.#take(tail, start);
      this.#rest = NOTHING;
    }
    if (!this.#ended || ++this.#passed !== number) return false;
    return this.#take(NOTHING, this.#base + this.#chunk.length);
  }

  async readOn(): Promise<void> {
    // The file is what it was when its lines were counted, or the task fails where that is checked.
    if (this.#ended) throw new RangeError(`${this.#path}: has fewer lines than were counted`);
    this.#rest = Buffer.concat([this.#rest, this.#chunk.subarray(this.#from)]);
    this.#base += this.#chunk.length;
    this.#from = 0;
    const { value, done } = await this.#chunks.next();
    this.#ended = done === true;
    this.#chunk = done === true ? NOTHING : Buffer.from(value.buffer, value.byteOffset, value.length);
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  #take(tail: Buffer, start: number): true {
    const whole = this.#rest.length === 0 ? tail : Buffer.concat([this.#rest, tail]);
    const first = start - this.#rest.length;
    this.#rest = NOTHING;
    const from = first === 0 && hasMark(whole, whole.length) ? 3 : 0;
    const to = this.#newline === '\\r\\n' && whole.at(-1) === CR ? whole.length - 1 : whole.length;
    this.#found = this.#passed;
    this.offset = first + from;
    this.bytes = whole.subarray(from, to);
    return true;
  }
}
