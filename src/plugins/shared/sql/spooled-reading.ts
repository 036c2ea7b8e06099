import {
  BugError,
  quoteIdentifier,
  quoteLiteral,
  type ColumnType,
  type Reading,
  type RejectRecord,
  type SourceColumn,
  type TaskContext,
  type TextFormat,
} from '../../../core/spi/index.js';

/** A column as a database's bulk lane gives it. */
export interface SpooledColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** DuckDB type that the field is read as. The server's own text is trusted to be one; if it is not, `text` decides. */
  readonly csvType: string;
  /** Makes the field, given as an expression, a value of `type`; absent: it is one. */
  readonly convert?: (field: string) => string;
  /** How the engine converts the same text with its own strict rules, rejecting what does not convert. */
  readonly text: TextFormat;
  /** Always by `text`: for types that DuckDB reads otherwise than Sluice does. */
  readonly strict?: boolean;
}

/** Record-aligned CSV: RFC 4180 with `\n`, unquoted empty = NULL, `""` = empty text. */
export interface SpooledChunk {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Bytes of its longest record. */
  readonly longest: number;
}

/** The columns as plans show them: what the server's text is trusted for is not converted by the engine. */
export function plannedColumns(columns: readonly SpooledColumn[]): readonly SourceColumn[] {
  return columns.map(({ name, type, text, strict }) => ({ name, type, ...(strict === true ? { text } : {}) }));
}

/**
 * Spools a database's answer, so that the server never waits for the target, and reads it back as a relation. Fields are
 * read as their DuckDB type, the cheapest way; when one of them turns out not to be of its type, the same spool is read again
 * with the engine's strict conversions, which reject that row alone. `isDoubtful` may say beforehand that it will be so.
 */
export async function openSpooledReading(
  source: string,
  columns: readonly SpooledColumn[],
  chunks: AsyncIterable<SpooledChunk>,
  ctx: TaskContext,
  isDoubtful: () => boolean = () => false,
): Promise<Reading> {
  const spool = ctx.spool('csv');
  try {
    let rows = 0;
    let longest = 0;
    for await (const chunk of chunks) {
      await spool.write(chunk.bytes);
      rows += chunk.rows;
      longest = Math.max(longest, chunk.longest);
      ctx.progress({ bytes: chunk.bytes.length });
      if (ctx.sampleBytes !== undefined && spool.bytes >= ctx.sampleBytes) break;
    }
    const content: Content = { source, columns, paths: await spool.finish(), rows, longest, remove: () => spool.remove() };
    return isDoubtful() ? textReading(content) : typedReading(content);
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

interface Content {
  readonly source: string;
  readonly columns: readonly SpooledColumn[];
  readonly paths: readonly string[];
  readonly rows: number;
  readonly longest: number;
  remove(): Promise<void>;
}

function typedReading(content: Content): Reading {
  let handedOver = false;
  const columns = plannedColumns(content.columns);
  const select = content.columns.map(({ name, convert, strict }) => {
    const quoted = quoteIdentifier(name);
    return convert === undefined || strict === true ? quoted : `${convert(quoted)} AS ${quoted}`;
  });
  const fields = csvRelation(
    content,
    content.columns.map((column) => (column.strict === true ? 'VARCHAR' : column.csvType)),
  );
  return {
    relation: { from: `(SELECT ${select.join(', ')} FROM ${fields})`, columns },
    check(rows, failure) {
      if (failure !== undefined) {
        handedOver = true;
        const instead = textReading(content);
        return Promise.resolve({ keep: false, reason: `${content.source}: a value is not of its column's type`, instead });
      }
      return checkRows(content, rows);
    },
    close: () => (handedOver ? Promise.resolve() : content.remove()),
  };
}

function textReading(content: Content): Reading {
  const columns = content.columns.map(({ name, type, text }): SourceColumn => ({ name, type, text }));
  return {
    relation: {
      from: csvRelation(
        content,
        columns.map(() => 'VARCHAR'),
      ),
      columns,
    },
    check: (rows, failure) => (failure === undefined ? checkRows(content, rows) : Promise.reject(failure as Error)),
    close: () => content.remove(),
  };
}

function checkRows(content: Content, rows: number): ReturnType<Reading['check']> {
  if (rows !== content.rows) {
    const message = `${content.source}: ${content.rows} rows were spooled, but ${rows} were read back`;
    return Promise.reject(new BugError({ code: 'SPOOL_MISREAD', message, hint: 'please report this with the definition of the table' }));
  }
  return Promise.resolve({ keep: true, read: rows, rejected: 0, rejects: noRejects, files: [] });
}

async function* noRejects(): AsyncGenerator<RejectRecord[]> {}

/** DuckDB's own limit of a record; it buffers 16 times the limit, so a larger one is only given where a record needs it. */
const PLAIN_RECORD = 2_097_152;

function csvRelation({ columns, paths, longest }: Content, types: readonly string[]): string {
  if (paths.length === 0) {
    return `(SELECT ${columns.map(({ name }, i) => `NULL::${types[i] ?? 'VARCHAR'} AS ${quoteIdentifier(name)}`).join(', ')} LIMIT 0)`;
  }
  const names = columns.map(({ name }, i) => `${quoteLiteral(name)}: ${quoteLiteral(types[i] ?? 'VARCHAR')}`).join(', ');
  const size = longest < PLAIN_RECORD ? '' : `, max_line_size=${longest + 1}, buffer_size=${4 * (longest + 1)}`;
  return (
    `read_csv([${paths.map(quoteLiteral).join(', ')}], auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', ` +
    `nullstr='', allow_quoted_nulls=false${size}, columns={${names}})`
  );
}
