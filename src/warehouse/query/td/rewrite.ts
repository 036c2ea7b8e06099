import { quoteIdentifier, quoteLiteral } from '../../../core/spi/index.js';
import { duckdbDialect, sqlText, type SqlText } from '../dialect.js';
import { invalidSql } from '../sql-errors.js';
import { isSign, isWord, tokenizeSql, type SqlToken } from '../sql-tokens.js';
import { foldConstant } from './constants.js';
import { fragment, fragmentOf, joinPieces, placeFragment, type Fragment, type Piece } from './fragment.js';
import { TD_FUNCTIONS, type Answer, type Argument, type CallTools } from './functions.js';
import { findSelectItems } from './select-items.js';

const MAX_DEPTH = 20;

/** Functions that exist elsewhere and not here; anything else that begins with TD_ is DuckDB's to refuse. */
const ELSEWHERE =
  /^TD_(SESSIONIZE|SESSIONIZE_WINDOW|APPROX_MOST_FREQUENT|PARSE_AGENT|PARSE_USER_AGENT|IP_TO_\w+|URL_DECODE|MD5|CURRENCY_CONV|LAT_LONG_TO_COUNTRY|LAST|FIRST|X_RANK|NUMERIC_RANGE|ARRAY_INDEX|SUBSTR_INENCODING|DATE_FORMAT)$/;

/**
 * Puts plain DuckDB expressions in place of TD_TIME_RANGE and its kin, constants already worked out, so that a range over a
 * table's time column drops files. Text without them is given back as it is. Names in any case; strings and comments are left
 * alone; places in arguments stay exact. Throws ConfigError SQL_INVALID for wrong arguments.
 */
export function expandTdFunctions(sql: SqlText, options: { readonly scheduledTime: number }): SqlText {
  if (!/\bTD_/i.test(sql.text)) return sql;
  const tokens = tokenizeSql(sql.text);
  const expander = new Expander(sql, tokens, Math.floor(options.scheduledTime / 1000));
  const whole = expander.render(0, tokens.length);
  if (!expander.changed) return sql;
  const head: Piece = { text: sql.text.slice(0, tokens[0]?.start ?? 0), at: 0, copied: true };
  const end = tokens.at(-1)?.end ?? 0;
  const joined = joinPieces([head, ...whole.pieces, { text: sql.text.slice(end), at: end, copied: true }]);
  return sqlText(sql.original, { text: joined.text, originOf: (offset) => sql.originOf(joined.originOf(offset)) });
}

/** The same for a text that another engine runs. */
export function expandTdText(text: string, options: { readonly scheduledTime: number }): string {
  return expandTdFunctions(duckdbDialect.translate(text), options).text;
}

interface Expansion {
  readonly end: number;
  readonly answer: Answer;
  readonly sql: Fragment;
}

class Expander {
  changed = false;
  readonly #sql: SqlText;
  readonly #tokens: readonly SqlToken[];
  readonly #tools: CallTools;
  readonly #known = new Map<number, Expansion | undefined>();
  #items: ReadonlySet<number> | undefined;
  #depth = 0;

  constructor(sql: SqlText, tokens: readonly SqlToken[], scheduled: number) {
    this.#sql = sql;
    this.#tokens = tokens;
    this.#tools = {
      scheduled,
      fail: (at, message, hint) => {
        throw invalidSql(sql, sql.originOf(at), message, hint);
      },
    };
  }

  /** The tokens from `from` up to `to`, with what stands between them, calls expanded. */
  render(from: number, to: number): Fragment {
    const pieces: Piece[] = [];
    let copiedTo = this.#tokens[from]?.start ?? 0;
    const copy = (end: number): void => {
      if (end > copiedTo) pieces.push({ text: this.#sql.text.slice(copiedTo, end), at: copiedTo, copied: true });
    };
    for (let i = from; i < to; i++) {
      const call = this.#callAt(i);
      if (!call) continue;
      const start = this.#tokens[i]?.start ?? 0;
      copy(start);
      pieces.push(...call.sql.pieces);
      i = call.end;
      copiedTo = this.#tokens[i]?.end ?? 0;
    }
    copy(this.#tokens[to - 1]?.end ?? copiedTo);
    return fragmentOf(pieces);
  }

  #callAt(index: number): Expansion | undefined {
    if (this.#known.has(index)) return this.#known.get(index);
    const found = this.#expand(index);
    this.#known.set(index, found);
    return found;
  }

  #expand(index: number): Expansion | undefined {
    const token = this.#tokens[index];
    const named = token?.kind === 'word' || token?.kind === 'quoted';
    if (!token || !named || !isSign(this.#tokens[index + 1], '(') || isSign(this.#tokens[index - 1], '.')) return undefined;
    const name = token.value.toUpperCase();
    const known = TD_FUNCTIONS.get(name);
    if (!known) {
      if (ELSEWHERE.test(name))
        this.#tools.fail(token.start, `${name} is not available`, `of the TD functions there are ${[...TD_FUNCTIONS.keys()].join(', ')}`);
      return undefined;
    }
    const ranges = this.#argumentRanges(index + 2);
    if (!ranges) return undefined;
    const { spans, end } = ranges;
    if (spans.length < known.arity[0] || spans.length > known.arity[1]) {
      const [least, most] = known.arity;
      const wanted = most === 0 ? 'no argument' : least === most ? `${least} arguments` : `${least} to ${most} arguments`;
      this.#tools.fail(token.start, `${name}: expected ${wanted}, found ${spans.length}`, `write ${known.usage}`);
    }
    if (++this.#depth > MAX_DEPTH) this.#tools.fail(token.start, 'TD functions stand within one another too deeply', 'name the inner ones with WITH');
    const args = spans.map(([from, to]) => this.#argument(from, to, token.start, `${name}: an argument is missing`, known.usage));
    const answer = known.rewrite({ name, at: token.start, args }, this.#tools);
    this.#depth--;
    this.changed = true;
    const made = 'sql' in answer ? answer.sql : fragment`CAST(${constantSql(answer.constant)} AS ${answer.type})`;
    this.#items ??= findSelectItems(this.#tokens);
    // A column gets the name that the user sees, not the expression that stands for it.
    const alone = this.#items.has(index) && endsItem(this.#tokens[end + 1]);
    const text = this.#sql.text.slice(token.start, this.#tokens[end]?.end).replace(/\s+/g, ' ');
    return { end, answer, sql: placeFragment(alone ? fragment`${made} AS ${quoteIdentifier(text)}` : made, token.start) };
  }

  #argument(from: number, to: number, callAt: number, missing: string, usage: string): Argument {
    const first = this.#tokens[from];
    const last = this.#tokens[to - 1];
    if (!first || !last || from >= to) this.#tools.fail(callAt, missing, `write ${usage}`);
    const alone = this.#callAt(from);
    const isCall = alone?.end === to - 1;
    return {
      sql: this.render(from, to),
      constant: foldConstant(this.#tokens, this.#sql.text, from, to, (i) => {
        const call = this.#callAt(i);
        return call && { end: call.end, constant: 'constant' in call.answer ? { value: call.answer.constant } : undefined };
      }),
      isLong: isCall && 'sql' in alone.answer && alone.answer.isLong,
      calls: isCall ? first.value.toUpperCase() : undefined,
      at: first.start,
      text: this.#sql.text.slice(first.start, last.end),
    };
  }

  /** Token ranges of the arguments behind an opening parenthesis. */
  #argumentRanges(start: number): { readonly spans: readonly (readonly [number, number])[]; readonly end: number } | undefined {
    const spans: (readonly [number, number])[] = [];
    let depth = 0;
    let from = start;
    for (let i = start; i < this.#tokens.length; i++) {
      const token = this.#tokens[i];
      if (token?.kind !== 'sign') continue;
      if ('([{'.includes(token.value)) depth++;
      else if (depth === 0 && token.value === ',') {
        spans.push([from, i]);
        from = i + 1;
      } else if (')]}'.includes(token.value) && depth-- === 0) {
        if (i > start) spans.push([from, i]);
        return { spans, end: i };
      }
    }
    return undefined;
  }
}

function constantSql(value: string | number | null): string {
  return value === null ? 'NULL' : typeof value === 'number' ? String(value) : quoteLiteral(value);
}

function endsItem(token: SqlToken | undefined): boolean {
  return (
    !token ||
    isSign(token, ',') ||
    isSign(token, ')') ||
    isSign(token, ';') ||
    isWord(token, 'FROM', 'WHERE', 'GROUP', 'ORDER', 'LIMIT', 'UNION', 'EXCEPT', 'INTERSECT')
  );
}
