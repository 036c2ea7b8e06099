/**
 * A text made from another one by replacing pieces. Keeps what is needed to say where in the original a place of the
 * new text lies, so that errors point into what the user wrote.
 */
export interface RewrittenText {
  readonly text: string;
  /** Offset in the original of an offset in `text`. */
  originOf(offset: number): number;
}

export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies replacements (ascending, not overlapping). */
export function rewriteText(original: string, replacements: readonly Replacement[]): RewrittenText {
  let text = '';
  let at = 0;
  const pieces: { readonly from: number; readonly origin: number; readonly copied: boolean }[] = [];
  for (const r of replacements) {
    pieces.push({ from: text.length, origin: at, copied: true });
    text += original.slice(at, r.start);
    pieces.push({ from: text.length, origin: r.start, copied: false });
    text += r.text;
    at = r.end;
  }
  pieces.push({ from: text.length, origin: at, copied: true });
  text += original.slice(at);
  return {
    text,
    originOf(offset) {
      const piece = pieces.findLast((p) => p.from <= offset);
      return piece ? piece.origin + (piece.copied ? offset - piece.from : 0) : offset;
    },
  };
}
