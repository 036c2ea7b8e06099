import { isSign, isWord, type SqlToken } from '../sql-tokens.js';

export type Constant = string | number | null;

/** What a call at a token is worth, and the token of its closing parenthesis. */
export type CallValue = (index: number) => { readonly constant: { readonly value: Constant } | undefined; readonly end: number } | undefined;

const MAX_DEPTH = 50;

/**
 * The value of the tokens from `from` up to `to`, when it is known before planning: literals, arithmetic on whole numbers,
 * casts between numbers and text, and TD calls of such. Undefined for everything else, which DuckDB then evaluates.
 */
export function foldConstant(
  tokens: readonly SqlToken[],
  text: string,
  from: number,
  to: number,
  callAt: CallValue,
): { readonly value: Constant } | undefined {
  const reader = new ConstantReader(tokens, text, from, to, callAt);
  try {
    const value = reader.sum();
    return reader.atEnd ? { value } : undefined;
  } catch (error) {
    if (error instanceof NotConstant) return undefined;
    throw error;
  }
}

class NotConstant extends Error {}

class ConstantReader {
  readonly #tokens: readonly SqlToken[];
  readonly #text: string;
  readonly #to: number;
  readonly #callAt: CallValue;
  #at: number;
  #depth = 0;

  constructor(tokens: readonly SqlToken[], text: string, from: number, to: number, callAt: CallValue) {
    this.#tokens = tokens;
    this.#text = text;
    this.#at = from;
    this.#to = to;
    this.#callAt = callAt;
  }

  get atEnd(): boolean {
    return this.#at >= this.#to;
  }

  sum(): Constant {
    if (++this.#depth > MAX_DEPTH) throw new NotConstant();
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value = whole(number(value) + number(this.#product()));
      else if (this.#take('-')) value = whole(number(value) - number(this.#product()));
      else if (isSign(this.#token(), '|') && isSign(this.#tokens[this.#at + 1], '|')) {
        this.#at += 2;
        value = `${string(value)}${string(this.#product())}`;
      } else {
        this.#depth--;
        return value;
      }
    }
  }

  #product(): Constant {
    let value = this.#signed();
    while (this.#take('*')) value = whole(number(value) * number(this.#signed()));
    return value;
  }

  #signed(): Constant {
    let negative = false;
    while (isSign(this.#token(), '-') || isSign(this.#token(), '+')) if (isSign(this.#tokens[this.#at++], '-')) negative = !negative;
    let value = this.#primary();
    while (isSign(this.#token(), ':') && isSign(this.#tokens[this.#at + 1], ':')) {
      this.#at += 2;
      value = this.#cast(value);
    }
    return negative ? -number(value) : value;
  }

  #primary(): Constant {
    const index = this.#at;
    const token = this.#token();
    if (!token) throw new NotConstant();
    const call = this.#callAt(index);
    if (call) {
      if (!call.constant) throw new NotConstant();
      this.#at = call.end + 1;
      return call.constant.value;
    }
    this.#at++;
    if (isSign(token, '(')) {
      const value = this.sum();
      this.#expect(')');
      return value;
    }
    if (token.kind === 'number' && /^\d+$/.test(token.value)) return whole(Number(token.value));
    if (token.kind === 'string') return this.#string(token);
    if (isWord(token, 'NULL')) return null;
    // As text, which every function reads in its zone.
    if (isWord(token, 'TIMESTAMP', 'DATE') && this.#token()?.kind === 'string') return this.#string(this.#tokens[this.#at++] as SqlToken);
    if (isWord(token, 'CAST')) {
      this.#expect('(');
      const value = this.sum();
      if (!isWord(this.#token(), 'AS')) throw new NotConstant();
      this.#at++;
      const cast = this.#cast(value);
      this.#expect(')');
      return cast;
    }
    throw new NotConstant();
  }

  #cast(value: Constant): Constant {
    const type = this.#token();
    this.#at++;
    if (isWord(type, 'BIGINT', 'LONG', 'INTEGER', 'INT')) {
      if (value === null) return null;
      if (typeof value === 'string' && !/^\s*[+-]?\d+\s*$/.test(value)) throw new NotConstant();
      return whole(Number(value));
    }
    if (isWord(type, 'VARCHAR', 'TEXT', 'STRING')) return value === null ? null : String(value);
    throw new NotConstant();
  }

  /** Escaped and binary strings keep their source text as value. */
  #string(token: SqlToken): string {
    if (!"'$".includes(this.#text[token.start] ?? ' ')) throw new NotConstant();
    return token.value;
  }

  #token(): SqlToken | undefined {
    return this.#at < this.#to ? this.#tokens[this.#at] : undefined;
  }

  #take(sign: string): boolean {
    if (!isSign(this.#token(), sign)) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) throw new NotConstant();
  }
}

function number(value: Constant): number {
  if (typeof value !== 'number') throw new NotConstant();
  return value;
}

function string(value: Constant): string {
  if (typeof value !== 'string') throw new NotConstant();
  return value;
}

/** Numbers that JavaScript cannot hold exactly are left to DuckDB. */
function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new NotConstant();
  return value;
}
