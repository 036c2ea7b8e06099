import type { SqlValue } from '../../core/spi/index.js';
import { writeResult, type ResultColumns } from '../../cli/result-writer.js';
import { HttpError } from './problem.js';
import type { Answer } from './route.js';
import { FORMAT_TYPES, type TextFormat } from './schemas.js';
import { streamText } from './stream-text.js';

export interface RowsToSend extends ResultColumns {
  close(): Promise<void>;
}

export interface RowLimits {
  /** Rows the client asked for: the answer is whole with these. */
  readonly wanted?: number;
  /** Rows there may be: an answer with more is refused, or cut so that the client sees it. */
  readonly most: number;
}

/**
 * Streams rows as text. The first rows are read before anything is sent, so that most errors still get a status of their own.
 * `ended` runs once, also when this throws; it gets the number of rows.
 */
export async function answerRows(rows: RowsToSend, format: TextFormat, limits: RowLimits, ended: (rows: number) => void): Promise<Answer> {
  let sent = 0;
  const close = async (): Promise<void> => {
    try {
      await rows.close();
    } finally {
      ended(sent);
    }
  };
  try {
    const chunks = limitRows(rows.chunks(), limits, (n) => (sent = n))[Symbol.asyncIterator]();
    const first = await chunks.next();
    const all: ResultColumns = {
      columns: rows.columns,
      async *chunks() {
        if (first.done === true) return;
        yield first.value;
        yield* { [Symbol.asyncIterator]: () => chunks };
      },
    };
    const stream = streamText(
      async (write) => {
        try {
          await writeResult(all, format, write);
        } finally {
          await close();
        }
      },
      () => undefined,
    );
    return { type: FORMAT_TYPES[format], stream };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* limitRows(chunks: AsyncIterable<SqlValue[][]>, limits: RowLimits, count: (n: number) => void): AsyncGenerator<SqlValue[][]> {
  let rows = 0;
  for await (const columns of chunks) {
    const size = columns[0]?.length ?? 0;
    const left = limits.wanted === undefined ? size : limits.wanted - rows;
    rows += Math.min(size, left);
    if (rows > limits.most)
      throw new HttpError(422, {
        code: 'RESULT_TOO_LARGE',
        message: `the answer has more than ${limits.most} rows`,
        hint: 'ask for fewer with "limit", or run the query as a job with "async": true and fetch its result',
      });
    count(rows);
    yield left < size ? columns.map((column) => column.slice(0, left)) : columns;
    if (limits.wanted !== undefined && rows >= limits.wanted) return;
  }
}
