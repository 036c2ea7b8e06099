/**
 * Reads the text of the filters that EXPLAIN prints on a scan (`k1_c2>=5 AND k1_c2<9`). The grammar is what DuckDB's
 * `TableFilter::ToString` and `Expression::ToString` produce for columns named by {@link stubColumn}; everything else is
 * `unknown`, which never drops a file. Contract: test/warehouse/query/scan-predicates.test.ts.
 */
export type Comparison = '=' | '<' | '<=' | '>' | '>=';

/** A literal as printed: its text without quotes, and the type of a `::TYPE` suffix. */
export interface PlanLiteral {
  readonly kind: 'number' | 'string' | 'boolean';
  readonly text: string;
  /** Upper-case, e.g. `TIMESTAMP WITH TIME ZONE`. */
  readonly type?: string;
}

export type Predicate =
  | { readonly kind: 'compare'; readonly field: number; readonly op: Comparison; readonly value: PlanLiteral }
  | { readonly kind: 'in'; readonly field: number; readonly values: readonly PlanLiteral[] }
  | { readonly kind: 'null'; readonly field: number; readonly isNull: boolean }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Predicate[] }
  | { readonly kind: 'unknown' };

/** Name of a stub's column: says table and field, and needs no quotes in SQL (filters print names unquoted). */
export function stubColumn(table: number, field: number): string {
  return `k${table}_c${field}`;
}

const STUB_COLUMN = /\bk(\d+)_c\d+\b/g;
const UNKNOWN: Predicate = { kind: 'unknown' };
const MAX_DEPTH = 100;

/** The stub tables whose columns a text names. */
export function stubTablesIn(text: string): ReadonlySet<number> {
  return new Set([...text.matchAll(STUB_COLUMN)].map((m) => Number(m[1])));
}

/**
 * The items of a scan's `Filters`, all of which must hold. DuckDB cuts the list at newlines, also at those inside
 * literals: the items are joined again and split outside quotes. Undefined when the text is doubtful as a whole.
 */
export function parsePlanFilters(filters: string | readonly string[] | undefined): readonly Predicate[] | undefined {
  if (filters === undefined) return [];
  const items = splitItems(typeof filters === 'string' ? filters : filters.join('\n'));
  if (!items) return undefined;
  const predicates: Predicate[] = [];
  for (const item of items) {
    const text = item.replace(/^optional: /, '');
    if (text === '' || /^Dynamic Filter \(\w*\)$/.test(text)) continue;
    const tokens = tokenize(text);
    // A piece that is no complete expression may be half of one: then no piece of this scan can be trusted.
    if (!tokens || !looksComplete(tokens)) return undefined;
    predicates.push(new FilterParser(tokens).parse());
  }
  return predicates;
}

function splitItems(text: string): string[] | undefined {
  const items: string[] = [];
  let start = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === "'" || c === '"') quote = c;
    else if (c === '\n') {
      items.push(text.slice(start, i));
      start = i + 1;
    }
  }
  if (quote !== '') return undefined;
  items.push(text.slice(start));
  return items;
}

interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'sign' | 'quoted';
  readonly text: string;
}

const TOKEN =
  /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|'((?:[^']|'')*)'|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|("(?:[^"]|"")*")|(::|<=|>=|<>|!=|\|\||[-+*/%^()[\]{},.<>=:~!&|?@#;$\\]))/y;

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const m = TOKEN.exec(text);
    if (!m) return undefined;
    if (m[1] !== undefined) tokens.push({ kind: 'name', text: m[1] });
    else if (m[2] !== undefined) tokens.push({ kind: 'string', text: m[2].replaceAll("''", "'") });
    else if (m[3] !== undefined) tokens.push({ kind: 'number', text: m[3] });
    else if (m[4] !== undefined) tokens.push({ kind: 'quoted', text: m[4] });
    else tokens.push({ kind: 'sign', text: m[5] ?? '' });
  }
  return tokens;
}

const OPEN_ENDED = /^(AND|OR|NOT|IN|IS|LIKE|BETWEEN|::|<=|>=|<>|!=|=|<|>|\|\||[-+*/%^,.:(])$/;
const NEEDS_LEFT = /^(AND|OR|IN|IS|LIKE|BETWEEN|::|<=|>=|<>|!=|=|<|>|\|\||[*/%^,.:)])$/;

function looksComplete(tokens: readonly Token[]): boolean {
  const first = tokens[0];
  const last = tokens.at(-1);
  if (!first || !last) return false;
  const isWord = (t: Token): boolean => t.kind === 'name' || t.kind === 'sign';
  if ((isWord(first) && NEEDS_LEFT.test(first.text)) || (isWord(last) && OPEN_ENDED.test(last.text))) return false;
  let depth = 0;
  for (const token of tokens) {
    if (token.kind !== 'sign') continue;
    if ('([{'.includes(token.text)) depth++;
    else if (')]}'.includes(token.text) && --depth < 0) return false;
  }
  return depth === 0;
}

class NotUnderstood extends Error {}

class FilterParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Predicate {
    try {
      const predicate = this.#or();
      return this.#at === this.#tokens.length ? predicate : UNKNOWN;
    } catch (error) {
      if (error instanceof NotUnderstood) return UNKNOWN;
      throw error;
    }
  }

  #or(): Predicate {
    const items = [this.#and()];
    while (this.#takeWord('OR')) items.push(this.#and());
    return items.length === 1 ? (items[0] ?? UNKNOWN) : { kind: 'or', items };
  }

  #and(): Predicate {
    const items = [this.#term()];
    while (this.#takeWord('AND')) items.push(this.#term());
    return items.length === 1 ? (items[0] ?? UNKNOWN) : { kind: 'and', items };
  }

  #term(): Predicate {
    if (++this.#depth > MAX_DEPTH) throw new NotUnderstood();
    try {
      if (this.#takeSign('(')) {
        const start = this.#at;
        try {
          const inner = this.#or();
          this.#expectSign(')');
          if (this.#atTermEnd()) return inner;
        } catch (error) {
          if (!(error instanceof NotUnderstood)) throw error;
        }
        this.#at = start;
        return this.#skipGroup();
      }
      const negated = this.#takeWord('NOT');
      const field = this.#field();
      if (this.#atTermEnd()) return { kind: 'compare', field, op: '=', value: { kind: 'boolean', text: negated ? 'false' : 'true' } };
      if (negated) throw new NotUnderstood();
      return this.#comparison(field);
    } finally {
      this.#depth--;
    }
  }

  /** A parenthesised expression that is not understood, but whose end is: unknown, and its neighbours stay usable. */
  #skipGroup(): Predicate {
    let depth = 1;
    while (depth > 0) {
      const token = this.#tokens[this.#at++];
      if (!token) throw new NotUnderstood();
      if (token.kind === 'sign' && token.text === '(') depth++;
      if (token.kind === 'sign' && token.text === ')') depth--;
    }
    if (!this.#atTermEnd()) throw new NotUnderstood();
    return UNKNOWN;
  }

  #comparison(field: number): Predicate {
    const op = this.#tokens[this.#at++];
    if (op?.kind === 'name' && op.text === 'IS') {
      const isNull = !this.#takeWord('NOT');
      if (!this.#takeWord('NULL')) throw new NotUnderstood();
      return this.#ended({ kind: 'null', field, isNull });
    }
    if (op?.kind === 'name' && op.text === 'IN') {
      this.#expectSign('(');
      const values = [this.#literal()];
      while (this.#takeSign(',')) values.push(this.#literal());
      this.#expectSign(')');
      return this.#ended({ kind: 'in', field, values });
    }
    if (op?.kind !== 'sign' || !['=', '<', '<=', '>', '>='].includes(op.text)) throw new NotUnderstood();
    return this.#ended({ kind: 'compare', field, op: op.text as Comparison, value: this.#literal() });
  }

  #ended(predicate: Predicate): Predicate {
    if (!this.#atTermEnd()) throw new NotUnderstood();
    return predicate;
  }

  #field(): number {
    const token = this.#tokens[this.#at++];
    const m = token?.kind === 'name' ? /^k\d+_c(\d+)$/.exec(token.text) : null;
    if (!m) throw new NotUnderstood();
    return Number(m[1]);
  }

  #literal(): PlanLiteral {
    const minus = this.#takeSign('-');
    const token = this.#tokens[this.#at++];
    if (token?.kind === 'number') return this.#typed({ kind: 'number', text: `${minus ? '-' : ''}${token.text}` });
    if (minus || !token) throw new NotUnderstood();
    if (token.kind === 'name' && /^(true|false)$/i.test(token.text)) return { kind: 'boolean', text: token.text.toLowerCase() };
    // The renderer trims around its cuts, so a literal that held a newline may be printed changed.
    if (token.kind !== 'string' || token.text.includes('\n')) throw new NotUnderstood();
    return this.#typed({ kind: 'string', text: token.text });
  }

  #typed(literal: PlanLiteral): PlanLiteral {
    if (!this.#takeSign('::')) return literal;
    const words: string[] = [];
    for (
      let token = this.#tokens[this.#at];
      token?.kind === 'name' &&
      /^(DATE|TIME|TIMESTAMP|WITH|ZONE|DOUBLE|FLOAT|BOOLEAN|UUID|BLOB|VARCHAR|DECIMAL|HUGEINT|BIGINT|INTEGER)$/.test(token.text);
      token = this.#tokens[++this.#at]
    )
      words.push(token.text);
    if (words.length === 0) throw new NotUnderstood();
    return { ...literal, type: words.join(' ') };
  }

  #atTermEnd(): boolean {
    const token = this.#tokens[this.#at];
    return !token || (token.kind === 'name' && (token.text === 'AND' || token.text === 'OR')) || (token.kind === 'sign' && token.text === ')');
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'name' || token.text !== word) return false;
    this.#at++;
    return true;
  }

  #takeSign(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at++;
    return true;
  }

  #expectSign(sign: string): void {
    if (!this.#takeSign(sign)) throw new NotUnderstood();
  }
}
