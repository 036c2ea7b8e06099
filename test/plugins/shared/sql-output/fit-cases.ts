import * as assert from 'uvu/assert';

/** Values that a column of a table takes as they are, and those that must be rejected because the server would change them. */
export interface FitCase {
  /** Type of the column in the table. */
  readonly column: string;
  /** Type of the values of the load. */
  readonly type: string;
  /** Text in the CSV file, and what the server then shows where that is another text. */
  readonly kept: readonly (string | readonly [text: string, shown: string])[];
  readonly rejected: readonly string[];
}

export interface SparseLoad {
  /** Columns of the table behind `id bigint`. */
  readonly table: string;
  /** Columns of the parser, without brackets. */
  readonly columns: string;
  readonly csv: string;
  readonly names: readonly string[];
  /** By id: what must be in the table, as texts. */
  readonly kept: ReadonlyMap<string, { readonly name: string; readonly shown: string; readonly what: string }>;
  /** By id: the column to blame. */
  readonly rejected: ReadonlyMap<string, { readonly name: string; readonly what: string }>;
}

/** One load for all cases: each row holds one value, in the column of its case. */
export function sparseLoad(cases: readonly FitCase[], quote: (name: string) => string): SparseLoad {
  const names = cases.map((_case, i) => `c${i}`);
  const lines = [['id', ...names].join(',')];
  const kept = new Map<string, { name: string; shown: string; what: string }>();
  const rejected = new Map<string, { name: string; what: string }>();
  const add = (at: number, text: string): string => {
    const id = String(lines.length);
    lines.push([id, ...names.map((_name, i) => (i === at ? `"${text.replaceAll('"', '""')}"` : ''))].join(','));
    return id;
  };
  for (const [i, { column, type, kept: good, rejected: bad }] of cases.entries()) {
    const name = `c${i}`;
    for (const each of good) {
      const [text, shown] = typeof each === 'string' ? [each, each] : each;
      kept.set(add(i, text), { name, shown, what: `${type} ${text} into ${column}` });
    }
    for (const text of bad) rejected.set(add(i, text), { name, what: `${type} ${text} into ${column}` });
  }
  return {
    table: ['id bigint', ...cases.map(({ column }, i) => `${quote(`c${i}`)} ${column}`)].join(', '),
    columns: ['{name: id, type: long}', ...cases.map(({ type }, i) => `{name: c${i}, type: "${type}"}`)].join(', '),
    csv: `${lines.join('\n')}\n`,
    names,
    kept,
    rejected,
  };
}

/** `rows` are id and all columns as texts; `rejects` record numbers (the header is none) and columns. */
export function assertSparse(
  load: SparseLoad,
  rows: readonly (readonly (string | null)[])[],
  rejects: readonly { readonly record: string; readonly column: string | null }[],
): void {
  const found = new Map(rows.map(([id, ...values]) => [id ?? '', values]));
  const problems: string[] = [];
  for (const [id, { name, shown, what }] of load.kept) {
    const value = found.get(id)?.[load.names.indexOf(name)];
    if (value === undefined) problems.push(`${what}: rejected`);
    else if (value !== shown) problems.push(`${what}: expected ${shown}, found ${String(value)}`);
  }
  for (const [id, { what }] of load.rejected) {
    const values = found.get(id);
    if (values) problems.push(`${what}: stored as ${values.filter((value) => value !== null).join()}`);
  }
  assert.equal(problems, []);
  const blamed = rejects.map(({ record, column }) => `${record}: ${column ?? ''}`).sort();
  assert.equal(blamed, [...load.rejected].map(([id, { name }]) => `${id}: ${name}`).sort());
}
