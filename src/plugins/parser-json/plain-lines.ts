import { webAssembly } from '../shared/web-assembly.js';

/** `plain-lines.wat`: walks an object a line at about a GB a second, a tenth of the time our tokenizer needs. */
const BINARY =
  'AGFzbQEAAAABGwRgAX8Bf2ADf39/AX9gAn9/AX9gBH9/f38BfwMKCQAAAQAAAAICAwUDAQABBgYBfwFBAAsHHwMGbWVtb3J5AgAFbGluZXMDAApmaXJzdE90aGVyAAgKgQgJCgAgAEEwa0EKSQsnAQF/A0AgAC0AACEBIAFBIEYgAUEJRnIEQCAAQQFqIQAMAQsLIAALVQEBfwNAIAD9AAQAIAH9AAQA/SP9ZCEDIAJBEE0EQCADQf//A3NBICACa3RFDwsgA0H//wNHBEBBAA8LIABBEGohACABQRBqIQEgAkEQayECDAALAAtbAQN/IABBBGohAQNAIAAtAAAhAiACEAAEQCACQTBrIQIFIAJBIHJB4QBrIQIgAkEGTwRAQX8PCyACQQpqIQILIANBBHQgAnIhAyAAQQFqIQAgACABSQ0ACyADC+oBAgF7An8DQCAA/QAEACEBIAFBIv0P/SMgAUHcAP0P/SP9UCABQSD9D/0m/VD9ZCECIAJFBEAgAEEQaiEADAELIAAgAmhqIQAgAC0AACEDIANBIkYEQCAAQQFqDwsgA0HcAEcEQEEADwsgAC0AASEDIANB9QBGBEAgAEECahADIQMgA0EATCADQYDwA3FBgLADRnIEQEEADwsgAEEGaiEADAELIANBIkYgA0HcAEZyIANBL0YgA0HiAEZyciADQeYARiADQe4ARnIgA0HyAEYgA0H0AEZycnJFBEBBAA8LIABBAmohAAwACwALGgADQCAALQAAEAAEQCAAQQFqIQAMAQsLIAALqwEBA38gACECIAAgAC0AAEEtRmohAyADEAUhBCAEIANGBEBBAA8LIAQgA2tBEksEQEEADwsgAy0AAEEwRgRAIAQgA2tBAUcEQEEADwsgAyACRyAELQAAQS5HcQRAQQAPCwsgBC0AAEEuRwRAIARBACABQQJxGw8LIAFBBHFFBEBBAA8LIARBAWohAyADEAUhBCAEIANGBEBBAA8LIAQgAmtBKEsEQEEADwsgBAuQAQEBfyAALQAAIQIgAkEiRgRAIAFBAXFFBEBBAA8LIABBAWoQBA8LIAJBLUYgAhAAcgRAIAAgARAGDwsgACgCACECIAJB7uqx4wZGBEAgAEEEag8LIAFBCHFFBEBBAA8LIAJB9OTVqwZGBEAgAEEEag8LIAJB5sKxmwdGIAAtAARB5QBGcQRAIABBBWoPC0EAC9MBAQN/A0AgACABTwRAIAEPCyAAIQQgAC0AAEH7AEcEQCAEDwsgAiEFA0AgAEEBahABIQACQANAIAUgA08EQCAEDwsgACAFKAIIIAUoAgQQAg0BIAVBEGohBQwACwsgACAFKAIEahABIAUoAgAQByEAIABFBEAgBA8LIAVBEGohBSAAEAEhACAALQAAIgZBLEYNAAsgBkH9AEcEQCAEDwsgAEEBaiEAIAAgAC0AAEENRmohACAALQAAQQpHBEAgBA8LIABBAWohACMAQQFqJAAMAAsACw==';
const PAGE = 65_536;
const ENTRY = 16;
/** Sixteen bytes are looked at together, also at the very end. */
const SLACK = 32;

/** What a key's value may be, beside null. */
export const KINDS = { string: 1, integer: 2, real: 6, boolean: 8, scalar: 15 } as const;

export interface PlainKey {
  /** Printable ASCII without quotes and backslashes. */
  readonly name: string;
  readonly kinds: number;
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly lines: { readonly value: number };
  firstOther(start: number, end: number, keys: number, keysEnd: number): number;
}

let compiled: object | undefined;

/**
 * Tells plain lines: an object whose keys are known, spelled so, in their order and each at most once; whose values are null or of
 * the kinds of their key; strings without NUL, without surrogates as escapes; numbers of at most 18 digits before a point, without
 * exponent, none of them -0. What every JSON reader takes for the same, DuckDB's typed one, too.
 */
export class PlainLines {
  /** To read into. */
  readonly room: Buffer;
  private readonly exports: Exports;
  private readonly start: number;
  private readonly keysEnd: number;

  constructor(keys: readonly PlainKey[], bytes: number) {
    const { Module, Instance } = webAssembly();
    compiled ??= new Module(Buffer.from(BINARY, 'base64'));
    this.exports = new Instance(compiled).exports as Exports;
    const texts = keys.map((key) => Buffer.from(`"${key.name}":`));
    this.keysEnd = keys.length * ENTRY;
    this.start = this.keysEnd + texts.reduce((sum, text) => sum + text.length, 0) + SLACK;
    // Once, at the start: growing takes the memory away from those who read into it.
    this.exports.memory.grow(Math.ceil((this.start + bytes + SLACK) / PAGE));
    const memory = Buffer.from(this.exports.memory.buffer);
    let at = this.keysEnd;
    for (const [i, text] of texts.entries()) {
      memory.writeUInt32LE((keys[i] as PlainKey).kinds, i * ENTRY);
      memory.writeUInt32LE(text.length, i * ENTRY + 4);
      memory.writeUInt32LE(at, i * ENTRY + 8);
      at += text.copy(memory, at);
    }
    this.room = memory.subarray(this.start, this.start + bytes);
  }

  /** Lines found plain so far. */
  get lines(): number {
    return this.exports.lines.value;
  }

  /** Whether the first `length` bytes of `room`, the last one a newline, are all plain lines. */
  holds(length: number): boolean {
    const end = this.start + length;
    return this.exports.firstOther(this.start, end, 0, this.keysEnd) === end;
  }
}
