import { StringDecoder } from 'node:string_decoder';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';
import { assertRowCount } from '../shared/sql-output/load-table.js';
import { DELETE_MARK } from '../shared/sql-output/merge-sql.js';
import type { PlannedTargetColumn } from '../shared/sql-output/plan-columns.js';
import { refuseChanges } from './refuse-changes.js';

const MAX_STATEMENT_CHARACTERS = 1 << 20;

/** The same rows as INSERT statements, for servers without `local_infile`; about half as fast. */
export async function insertRows(session: MysqlSession, table: string, columns: readonly PlannedTargetColumn[], job: LoadJob): Promise<void> {
  const doing = `inserting into ${joinTableName(job.plan.table)}`;
  const names = [...columns.map(({ target }) => target.name), ...(job.plan.deleteColumn === undefined ? [] : [DELETE_MARK])];
  const head = `INSERT INTO ${table} (${names.map((name) => mysqlDialect.quoteIdentifier(name)).join(', ')}) VALUES `;
  const [packet] = await session.texts('SELECT @@max_allowed_packet', 'looking at the settings of the server');
  // A character is up to four bytes long.
  const limit = Math.min(MAX_STATEMENT_CHARACTERS, Math.floor(Number(packet?.[0] ?? MAX_STATEMENT_CHARACTERS) / 5));
  const writers = names.map((_name, i) => literalWriter(columns[i]));
  let taken = 0;
  let tuples: string[] = [];
  let size = 0;
  const send = async (): Promise<void> => {
    if (tuples.length === 0) return;
    const { affectedRows, warningStatus } = await session.run(head + tuples.join(','), doing);
    if (warningStatus !== 0) await refuseChanges(session, job, { skipped: 0, warnings: warningStatus });
    taken += affectedRows;
    tuples = [];
    size = 0;
  };
  for await (const fields of readRecords(job.bytes())) {
    const tuple = `(${fields.map((field, i) => writers[i]?.(field) ?? 'NULL').join(',')})`;
    if (size + tuple.length > limit) await send();
    tuples.push(tuple);
    size += tuple.length + 1;
  }
  await send();
  await assertRowCount(taken, job);
}

/** A field of the spool as a literal; null is NULL. */
function literalWriter(column: PlannedTargetColumn | undefined): (field: string | null) => string {
  const kind = column?.target.family.kind;
  return (field) => {
    if (field === null) return 'NULL';
    if (kind === 'bytes') return `x'${field}'`;
    if (kind === 'bits' || column === undefined) return field;
    // NUL is safe in a literal; the server reads backslashes as escapes (sql_mode of the session).
    return `'${field.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
  };
}

const QUOTE = '"';

/** Records of spool files as DuckDB wrote them: texts in quotes, NULL and all others without. */
async function* readRecords(bytes: AsyncIterable<Buffer>): AsyncIterable<readonly (string | null)[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of bytes) {
    const text = rest + decoder.write(chunk);
    let at = 0;
    for (;;) {
      const record = readRecord(text, at);
      if (record === undefined) break;
      yield record.fields;
      at = record.end;
    }
    rest = text.slice(at);
  }
}

/** The record that starts at `at`, and the place behind its newline; undefined when its end is not there yet. */
function readRecord(text: string, at: number): { readonly fields: (string | null)[]; readonly end: number } | undefined {
  const fields: (string | null)[] = [];
  for (let start = at; ;) {
    let end: number;
    if (text[start] === QUOTE) {
      end = start + 1;
      for (;;) {
        end = text.indexOf(QUOTE, end);
        // A quote at the very end may be the first of two.
        if (end < 0 || end + 1 >= text.length) return undefined;
        if (text[end + 1] !== QUOTE) break;
        end += 2;
      }
      fields.push(text.slice(start + 1, end).replaceAll('""', QUOTE));
      end++;
    } else {
      end = start;
      while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++;
      if (end >= text.length) return undefined;
      const field = text.slice(start, end);
      fields.push(field === 'NULL' ? null : field);
    }
    if (text[end] === '\n') return { fields, end: end + 1 };
    start = end + 1;
  }
}
