import { ConfigError } from '../../core/spi/index.js';
import { duckdbDialect } from './dialect.js';
import { invalidSql } from './sql-errors.js';
import { isSign, isWord, tokenizeSql, type SqlToken } from './sql-tokens.js';

export interface StatementName {
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * A statement, split by our own tokenizer. Its SELECT or predicate (`select`) is the original text with everything before it
 * blanked, so that places in it are places in what the user wrote.
 */
export type SqlStatement =
  | { readonly kind: 'select'; readonly text: string }
  | { readonly kind: 'insert'; readonly table: StatementName; readonly columns: readonly string[] | undefined; readonly select: string }
  | {
      readonly kind: 'create-table';
      readonly table: StatementName;
      readonly ifNotExists: boolean;
      readonly properties: ReadonlyMap<string, readonly string[]>;
      readonly select: string;
    }
  | { readonly kind: 'create-view'; readonly view: StatementName; readonly replace: boolean; readonly select: string }
  | { readonly kind: 'drop'; readonly what: 'table' | 'view'; readonly name: StatementName; readonly ifExists: boolean }
  /** `from` is `FROM t [alias]` and `predicate` what follows WHERE; both blanked as `select` is. */
  | { readonly kind: 'delete'; readonly table: StatementName; readonly from: string; readonly predicate: string | undefined };

/** Splits one statement. Throws ConfigError SQL_INVALID where it starts like a write and goes on like none, SQL_REFUSED for writes we do not have. */
export function parseStatement(text: string): SqlStatement {
  const tokens = tokenizeSql(text);
  while (isSign(tokens.at(-1), ';')) tokens.pop();
  const reader = new StatementReader(text, tokens);
  if (reader.take('INSERT')) return reader.insert();
  if (reader.take('CREATE')) return reader.create();
  if (reader.take('DROP')) return reader.drop();
  if (reader.take('DELETE')) return reader.delete();
  const [first] = tokens;
  if (isWord(first, 'UPDATE', 'MERGE', 'ALTER', 'TRUNCATE')) throw notYet(first?.value.toUpperCase() ?? '');
  return { kind: 'select', text };
}

function notYet(word: string): ConfigError {
  return new ConfigError({
    code: 'SQL_REFUSED',
    message: `${word} is not supported`,
    hint: 'of writes there are INSERT INTO … SELECT, CREATE TABLE … AS, CREATE VIEW, DELETE FROM, DROP TABLE, DROP VIEW',
  });
}

class StatementReader {
  readonly #text: string;
  readonly #tokens: readonly SqlToken[];
  #at = 0;

  constructor(text: string, tokens: readonly SqlToken[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  insert(): SqlStatement {
    this.#expect('INTO');
    const table = this.#name();
    const columns =
      isSign(this.#token(), '(') && !isWord(this.#tokens[this.#at + 1], 'SELECT', 'WITH', 'VALUES', 'FROM') ? this.#columnList() : undefined;
    if (!this.#token()) this.#fail('SELECT … or VALUES …');
    return { kind: 'insert', table, columns, select: this.#rest() };
  }

  create(): SqlStatement {
    const replace = this.take('OR') && this.#expect('REPLACE');
    if (this.take('VIEW')) {
      const view = this.#name();
      this.#expect('AS');
      return { kind: 'create-view', view, replace, select: this.#rest() };
    }
    if (replace) throw notYet('CREATE OR REPLACE TABLE');
    if (!this.take('TABLE')) throw notYet(`CREATE ${this.#token()?.value.toUpperCase() ?? ''}`.trim());
    const ifNotExists = this.take('IF') && this.#expect('NOT') && this.#expect('EXISTS');
    const table = this.#name();
    const properties = this.take('WITH') ? this.#properties() : new Map<string, readonly string[]>();
    if (isSign(this.#token(), '(')) throw notYet('CREATE TABLE with a list of columns (use CREATE TABLE … AS SELECT)');
    this.#expect('AS');
    return { kind: 'create-table', table, ifNotExists, properties, select: this.#rest() };
  }

  drop(): SqlStatement {
    const what = this.take('TABLE') ? 'table' : this.take('VIEW') ? 'view' : undefined;
    if (!what) throw notYet(`DROP ${this.#token()?.value.toUpperCase() ?? ''}`.trim());
    const ifExists = this.take('IF') && this.#expect('EXISTS');
    const name = this.#name();
    this.#expectEnd();
    return { kind: 'drop', what, name, ifExists };
  }

  delete(): SqlStatement {
    const from = this.#token();
    this.#expect('FROM');
    const table = this.#name();
    // Nothing else: rows of a join would be counted as rows of the table, and an earlier version's cannot go.
    const hasAlias = this.take('AS') || (this.#token() !== undefined && !isWord(this.#token(), 'WHERE'));
    if (hasAlias) this.#identifier();
    if (this.#token() && !isWord(this.#token(), 'WHERE')) this.#fail('WHERE');
    const where = this.#token();
    const head = blank(this.#text, from?.start ?? 0, where?.start ?? this.#text.length);
    if (!where) return { kind: 'delete', table, from: head, predicate: undefined };
    this.#at++;
    if (!this.#token()) this.#fail('a condition');
    this.#refuseUnbalanced();
    return { kind: 'delete', table, from: head, predicate: this.#rest() };
  }

  take(word: string): boolean {
    if (!isWord(this.#token(), word)) return false;
    this.#at++;
    return true;
  }

  #token(): SqlToken | undefined {
    return this.#tokens[this.#at];
  }

  #expect(word: string): true {
    if (!this.take(word)) this.#fail(word);
    return true;
  }

  #expectEnd(): void {
    if (this.#token()) this.#fail('the end of the statement');
  }

  /** The predicate is put between parentheses, so it may not close them. */
  #refuseUnbalanced(): void {
    let depth = 0;
    for (const token of this.#tokens.slice(this.#at)) {
      if (isSign(token, '(')) depth++;
      if (isSign(token, ')') && --depth < 0) throw invalidSql(duckdbDialect.translate(this.#text), token.start, 'this parenthesis was never opened');
      if (isSign(token, ';')) throw invalidSql(duckdbDialect.translate(this.#text), token.start, 'expected one statement');
    }
  }

  #rest(): string {
    return blank(this.#text, this.#token()?.start ?? this.#text.length, this.#tokens.at(-1)?.end ?? 0);
  }

  #name(): StatementName {
    const first = this.#identifier();
    if (!isSign(this.#token(), '.')) return { namespace: undefined, name: first };
    this.#at++;
    return { namespace: first, name: this.#identifier() };
  }

  #identifier(): string {
    const token = this.#token();
    if (token?.kind !== 'word' && token?.kind !== 'quoted') this.#fail('a name');
    this.#at++;
    return token?.kind === 'word' ? token.value.toLowerCase() : (token?.value ?? '');
  }

  #columnList(): readonly string[] {
    this.#at++;
    const columns = [this.#identifier()];
    while (isSign(this.#token(), ',')) {
      this.#at++;
      columns.push(this.#identifier());
    }
    if (!isSign(this.#token(), ')')) this.#fail(')');
    this.#at++;
    return columns;
  }

  /** `(key = 'text', key = ARRAY['a', 'b'])` as Trino writes it. */
  #properties(): ReadonlyMap<string, readonly string[]> {
    const properties = new Map<string, readonly string[]>();
    if (!isSign(this.#token(), '(')) this.#fail('(');
    do {
      this.#at++;
      const key = this.#identifier();
      if (!isSign(this.#token(), '=')) this.#fail('=');
      this.#at++;
      properties.set(key, this.#propertyValue());
    } while (isSign(this.#token(), ','));
    if (!isSign(this.#token(), ')')) this.#fail(')');
    this.#at++;
    return properties;
  }

  #propertyValue(): readonly string[] {
    this.take('ARRAY');
    if (!isSign(this.#token(), '[')) return [this.#string()];
    const values: string[] = [];
    do {
      this.#at++;
      values.push(this.#string());
    } while (isSign(this.#token(), ','));
    if (!isSign(this.#token(), ']')) this.#fail(']');
    this.#at++;
    return values;
  }

  #string(): string {
    const token = this.#token();
    if (token?.kind !== 'string') this.#fail("a text such as 'day(ordered_at)'");
    this.#at++;
    return token?.value ?? '';
  }

  #fail(expected: string): never {
    const token = this.#token();
    const found = token ? this.#text.slice(token.start, token.end) : 'the end';
    throw invalidSql(duckdbDialect.translate(this.#text), token?.start ?? this.#text.length, `expected ${expected}, found ${found}`);
  }
}

/** `text` up to `end`, with everything before `start` as blanks (newlines kept). */
function blank(text: string, start: number, end: number): string {
  return text.slice(0, start).replace(/[^\n]/g, ' ') + text.slice(start, end);
}
