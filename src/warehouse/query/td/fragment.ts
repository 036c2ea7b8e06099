import { ConfigError } from '../../../core/spi/index.js';
import type { RewrittenText } from '../text-map.js';

/** Text of ours without a place yet; or text with its place in the statement, copied from there or put there for a call. */
export type Piece = string | { readonly text: string; readonly at: number; readonly copied: boolean };

/** SQL made of pieces. A piece of the user's may stand in it several times; each knows where it came from. */
export interface Fragment {
  readonly pieces: readonly Piece[];
  readonly length: number;
}

/** Calls within calls repeat their arguments; a statement that grows beyond this is refused rather than planned for minutes. */
const MAX_LENGTH = 1_000_000;

export function fragmentOf(pieces: readonly Piece[]): Fragment {
  return { pieces, length: pieces.reduce((n, p) => n + (typeof p === 'string' ? p : p.text).length, 0) };
}

/** Puts fragments, and SQL text of ours, together. */
export function fragment(strings: TemplateStringsArray, ...values: readonly (Fragment | string | number)[]): Fragment {
  let length = strings[0]?.length ?? 0;
  for (const [i, value] of values.entries())
    length += (strings[i + 1]?.length ?? 0) + (typeof value === 'object' ? value.length : String(value).length);
  if (length > MAX_LENGTH)
    throw new ConfigError({
      code: 'SQL_INVALID',
      message: 'TD functions stand within one another too deeply',
      hint: 'give the inner ones a name in a subquery, or with WITH',
    });
  const pieces: Piece[] = [strings[0] ?? ''];
  for (const [i, value] of values.entries()) pieces.push(...(typeof value === 'object' ? value.pieces : [String(value)]), strings[i + 1] ?? '');
  return { pieces, length };
}

/** Gives the pieces of ours that have no place yet that of the call they stand for. */
export function placeFragment(made: Fragment, at: number): Fragment {
  return { pieces: made.pieces.map((p) => (typeof p === 'string' ? { text: p, at, copied: false } : p)), length: made.length };
}

/** The text of placed pieces, with the way back to the statement. */
export function joinPieces(pieces: readonly Piece[]): RewrittenText {
  const starts: { readonly from: number; readonly origin: number; readonly copied: boolean }[] = [];
  const texts: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    const { text, at, copied } = typeof piece === 'string' ? { text: piece, at: 0, copied: false } : piece;
    starts.push({ from: length, origin: at, copied });
    texts.push(text);
    length += text.length;
  }
  return {
    text: texts.join(''),
    originOf(offset) {
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if ((starts[middle]?.from ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      const start = starts[low];
      return start ? start.origin + (start.copied ? offset - start.from : 0) : offset;
    },
  };
}
