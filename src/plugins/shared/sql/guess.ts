import type { GuessNote, GuessResult } from '../../../core/spi/index.js';
import type { CursorColumn } from './dialect.js';

/** What a server tells about a table. */
export interface TableFacts {
  /** As a config names it. */
  readonly name: string;
  readonly columns: readonly CursorColumn[];
  /** In key order; empty: none. */
  readonly primaryKey: readonly string[];
  /** The server's own estimate; undefined or negative: it has none. */
  readonly rows: number | undefined;
}

export interface CursorSuggestion {
  readonly columns: readonly string[];
  readonly reason: string;
  readonly warning?: string;
}

const UPDATED = /^(updated|modified|changed|last_?(updated|modified|changed)|mtime|lastmod)(_?(at|on|time|date|ts|timestamp))?$/i;
const CREATED =
  /^(created|inserted|logged|occurred|happened|recorded)(_?(at|on|time|date|ts|timestamp))?$|^(time|timestamp|ts|event_?time|event_?at)$/i;

/** A cursor that would make sense, and why; undefined when no column looks like one. */
export function suggestCursor({ columns, primaryKey }: TableFacts): CursorSuggestion | undefined {
  const times = columns.filter((column) => column.kind === 'time');
  const key = primaryKey.every((name) => columns.some((column) => column.name === name)) ? primaryKey : [];
  const updated = times.find(({ name }) => UPDATED.test(name));
  if (updated) return withKey(updated, key, `${updated.name} is a time that looks as if every change sets it`);
  const single = columns.find((column) => column.name === key[0]);
  if (key.length === 1 && single?.kind === 'number') {
    return { columns: key, reason: `${single.name} is a numeric primary key: new rows are seen, changes of old rows are not` };
  }
  const created = times.find(({ name }) => CREATED.test(name));
  return created ? withKey(created, key, `${created.name} is a time that looks as if it were set once: changes of old rows are not seen`) : undefined;
}

function withKey(column: CursorColumn, key: readonly string[], reason: string): CursorSuggestion {
  const rest = key.filter((name) => name !== column.name);
  return {
    columns: [column.name, ...rest],
    reason: rest.length === 0 ? reason : `${reason}; ${rest.join(', ')} breaks ties`,
    ...(column.nullable ? { warning: `${column.name} may be NULL; an incremental read refuses such rows, so leave them out with where` } : {}),
  };
}

/** Completes a seed config. The cursor is proposed in a note only: reading everything is what a config without one says. */
export function guessFromTable(facts: TableFacts, typeNotes: readonly string[], path: 'table' | 'query' = 'table'): GuessResult {
  const rows = facts.rows === undefined || facts.rows < 0 ? 'an unknown number of' : `about ${Math.round(facts.rows)}`;
  const keyText = facts.primaryKey.length === 0 ? 'no primary key' : `primary key ${facts.primaryKey.join(', ')}`;
  const cursor = suggestCursor(facts);
  const cursorText = cursor
    ? `for incremental reads: incremental_columns: [${cursor.columns.join(', ')}] (${cursor.reason})`
    : 'no column looks like a cursor, so every run reads the whole of it';
  // A key has room for one comment.
  const notes: readonly GuessNote[] = [{ path, text: `${rows} rows, ${facts.columns.length} columns, ${keyText}; ${cursorText}` }];
  const times = facts.columns.filter((column) => column.kind === 'time');
  const time = times.find(({ name }) => CREATED.test(name)) ?? times.find(({ name }) => UPDATED.test(name));
  return {
    in: {},
    notes,
    warnings: [...(cursor?.warning === undefined ? [] : [cursor.warning]), ...typeNotes],
    ...(time === undefined ? {} : { timeColumn: time.name }),
  };
}
