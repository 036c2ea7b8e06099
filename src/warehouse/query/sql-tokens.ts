import { ConfigError } from '../../core/spi/index.js';

/** A token of SQL text; comments and blanks are left out. `start` and `end` are offsets in UTF-16 units. */
export interface SqlToken {
  /** `word`: bare identifier or keyword; `quoted`: `"…"`; `string`: any string literal; `parameter`: `$name`, `$1`, `?`. */
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'sign';
  readonly start: number;
  readonly end: number;
  /** `word`: as written; `quoted` and plain `string`: the value without quotes; otherwise the source text. */
  readonly value: string;
}

const SPACE = /\s+/uy;
const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_$]*/uy;
const NUMBER = /(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?\.?)/y;
const DOLLAR_QUOTE = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const PARAMETER = /\$[\p{L}\p{N}_]+|\?\d*/uy;
const QUOTED = /"(?:[^"]|"")*"/y;
const STRING = /'(?:[^']|'')*'/y;
const ESCAPE_STRING = /[eE]'(?:[^'\\]|\\[^]|'')*'/y;
const PREFIXED_STRING = /[xXbB]'[^']*'/y;

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/**
 * Splits SQL text into tokens by DuckDB's lexical rules: nested block comments, dollar quotes, `E''` strings, doubled
 * quotes. Throws ConfigError SQL_INVALID for an unclosed quote or comment.
 */
export function tokenizeSql(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  const push = (kind: SqlToken['kind'], end: number, value?: string): void => {
    tokens.push({ kind, start: at, end, value: value ?? text.slice(at, end) });
    at = end;
  };
  while (at < text.length) {
    const c = text[at] ?? '';
    const space = matchAt(SPACE, text, at);
    if (space) {
      at += space.length;
    } else if (text.startsWith('--', at)) {
      const end = text.slice(at).search(/[\n\r]/);
      at = end < 0 ? text.length : at + end;
    } else if (text.startsWith('/*', at)) {
      at = skipBlockComment(text, at);
    } else if (c === '"') {
      const found = matchAt(QUOTED, text, at) ?? unclosed(text, at, 'quoted name');
      push('quoted', at + found.length, found.slice(1, -1).replaceAll('""', '"'));
    } else if (c === "'") {
      const found = matchAt(STRING, text, at) ?? unclosed(text, at, 'string');
      push('string', at + found.length, found.slice(1, -1).replaceAll("''", "'"));
    } else if (/[eE]/.test(c) && text[at + 1] === "'") {
      push('string', at + (matchAt(ESCAPE_STRING, text, at) ?? unclosed(text, at, 'string')).length);
    } else if (/[xXbB]/.test(c) && text[at + 1] === "'") {
      push('string', at + (matchAt(PREFIXED_STRING, text, at) ?? unclosed(text, at, 'string')).length);
    } else if (c === '$' && matchAt(DOLLAR_QUOTE, text, at) !== undefined) {
      const tag = matchAt(DOLLAR_QUOTE, text, at) ?? '';
      const end = text.indexOf(tag, at + tag.length);
      if (end < 0) unclosed(text, at, `string ${tag}`);
      push('string', end + tag.length, text.slice(at + tag.length, end));
    } else {
      const word = matchAt(WORD, text, at);
      const other = word === undefined ? (matchAt(PARAMETER, text, at) ?? matchNumber(text, at)) : undefined;
      if (word !== undefined) push('word', at + word.length);
      else if (other !== undefined) push(/^[$?]/.test(other) ? 'parameter' : 'number', at + other.length);
      else push('sign', at + String.fromCodePoint(text.codePointAt(at) ?? 32).length);
    }
  }
  return tokens;
}

function matchNumber(text: string, at: number): string | undefined {
  return /[\d.]/.test(text[at] ?? '') ? matchAt(NUMBER, text, at) : undefined;
}

function skipBlockComment(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const next = /\/\*|\*\//g;
    next.lastIndex = at;
    const m = next.exec(text);
    if (!m) unclosed(text, start, 'comment');
    else {
      depth += m[0] === '/*' ? 1 : -1;
      at = m.index + 2;
    }
  } while (depth > 0);
  return at;
}

function unclosed(text: string, at: number, what: string): never {
  const { line, column } = placeInText(text, at);
  throw new ConfigError({
    code: 'SQL_INVALID',
    message: `line ${line}:${column}: a ${what} starts here and never ends`,
    hint: 'close it; a quote inside a string is written twice',
    where: { line, column },
  });
}

/** Line and column (from 1) of an offset. */
export function placeInText(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}

/** One statement of a text; `offset` is where it starts there. */
export interface StatementText {
  readonly text: string;
  readonly offset: number;
}

/** The statements of a text between semicolons, without empty ones. Semicolons in strings and comments do not count. */
export function splitStatements(text: string): readonly StatementText[] {
  const statements: StatementText[] = [];
  let first: SqlToken | undefined;
  let last: SqlToken | undefined;
  const finish = (): void => {
    if (first && last) statements.push({ text: text.slice(first.start, last.end), offset: first.start });
    first = last = undefined;
  };
  for (const token of tokenizeSql(text)) {
    if (token.kind === 'sign' && token.value === ';') finish();
    else {
      first ??= token;
      last = token;
    }
  }
  finish();
  return statements;
}

/** Whether a token is this keyword, in any case. */
export function isWord(token: SqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.value.toUpperCase());
}

export function isSign(token: SqlToken | undefined, sign: string): boolean {
  return token?.kind === 'sign' && token.value === sign;
}
