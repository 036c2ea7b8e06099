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
 * fast as records. `rows` per file.
 */
export async function* locateLines(
  task: CsvTask,
  newline: NativeNewline,
  rows: readonly number[],
  ordinals: Float64Array,
  withRaw: boolean,
): AsyncGenerator<RowPlace[]> {
  let next = 0;
  let before = 0;
  let batch: RowPlace[] = [];
  let bytes = 0;
  for (const [i, file] of task.files.entries()) {
    const last = before + (rows[i] as number);
    if (next < ordinals.length && (ordinals[next] as number) <= last) {
      const skipped = task.dialect.skipLines;
      for await (const line of pickLines(file.path, newline, () => (ordinals[next] as number) - before + skipped, task.ctx.signal)) {
        const recordNumber = line.number - skipped;
        // An ordinal may be asked for twice: a row can fail in two columns.
        for (; ordinals[next] === before + recordNumber; next++) {
          const raw = withRaw && line.bytes.length <= MAX_RECORD ? line.bytes.toString('utf8') : null;
          if (raw !== null) bytes += line.bytes.length;
          batch.push({ source: file.name, recordNumber, byteOffset: file.base === null ? null : file.base + line.offset, raw });
        }
        if (batch.length >= BATCH || bytes >= BATCH_BYTES) {
          yield batch;
          batch = [];
          bytes = 0;
        }
        if (next === ordinals.length || (ordinals[next] as number) > last) break;
      }
    }
    before = last;
  }
  if (batch.length > 0) yield batch;
}

interface Line {
  /** 1-based. */
  readonly number: number;
  readonly offset: number;
  /** Without its end; valid until the next line is asked for. */
  readonly bytes: Buffer;
}

/** Lines with the numbers that `wanted` answers, one after the other, ascending. */
async function* pickLines(path: string, newline: NativeNewline, wanted: () => number, signal: AbortSignal): AsyncGenerator<Line> {
  const end = newline === '\\r' ? CR : LF;
  let number = 0;
  let base = 0;
  /** The beginning of a line whose end is in a later chunk. */
  let rest: Buffer = NOTHING;
  let target = wanted();
  const lineOf = (tail: Buffer, offset: number): Line => {
    const whole = rest.length === 0 ? tail : Buffer.concat([rest, tail]);
    const from = offset === 0 && hasMark(whole, whole.length) ? 3 : 0;
    const to = newline === '\\r\\n' && whole.at(-1) === CR ? whole.length - 1 : whole.length;
    return { number, offset: offset + from, bytes: whole.subarray(from, to) };
  };
  for await (const part of fileChunks(path, { signal })) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.length);
    let from = 0;
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, from)) {
      if (++number === target) {
        yield lineOf(chunk.subarray(from, at), base + from - rest.length);
        target = wanted();
      }
      rest = NOTHING;
      from = at + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    base += chunk.length;
  }
  number++;
  if (number === target && rest.length > 0) {
    const tail = rest;
    rest = NOTHING;
    yield lineOf(tail, base - tail.length);
  }
}
