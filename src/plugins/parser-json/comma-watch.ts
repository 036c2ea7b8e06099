import { ByteSearch, type PairOf } from '../shared/byte-search.js';

/** A closing bracket behind a comma, or behind white space that may follow one. */
const CLOSED_LATE: PairOf = { first: 0x2c, firstBelow: 0x21, bits: 0x20, second: 0x7d, secondBelow: 0 };

/**
 * Says whether a text may hold a comma before a closing bracket, which DuckDB takes for JSON. Asking each line for that in SQL
 * takes longer than this look at all the bytes, and hardly a file has any.
 */
export class CommaWatch {
  #mayHold = false;
  #last = -1;

  get mayHold(): boolean {
    return this.#mayHold;
  }

  /** The next chunk of the text; files follow one another as if they were one. */
  add(chunk: Buffer, search = new ByteSearch(chunk.length)): void {
    if (this.#mayHold || chunk.length === 0) return;
    const first = (chunk[0] as number) | CLOSED_LATE.bits;
    const across = first === CLOSED_LATE.second && (this.#last === CLOSED_LATE.first || (this.#last >= 0 && this.#last < CLOSED_LATE.firstBelow));
    // A chunk that is too large to be searched is left in doubt.
    this.#mayHold = across || (search.take(chunk)?.hasPairOf(CLOSED_LATE) ?? true);
    this.#last = chunk[chunk.length - 1] as number;
  }
}
