import type { ByteSource, JsonObject, Reading, RowSource, SourceColumn, TaskContext, TaskSource } from '../spi/index.js';
import { BugError, DataError, quoteIdentifier, quoteLiteral } from '../spi/index.js';

/** Turns the bytes and rows forms into the relation form, through spool segments. */
export async function toReading(source: TaskSource, ctx: TaskContext): Promise<Reading> {
  switch (source.form) {
    case 'relation':
      return source.reading;
    case 'bytes':
      return spoolBytes(source, ctx);
    case 'rows':
      return spoolRows(source, ctx);
  }
}

async function spoolBytes(source: ByteSource, ctx: TaskContext): Promise<Reading> {
  const spool = ctx.spool(source.format);
  try {
    for await (const chunk of source.chunks()) {
      await spool.write(chunk);
      ctx.progress({ bytes: chunk.length });
    }
    const paths = await spool.finish();
    return spoolReading(source.format, paths, source.columns, source.source, undefined, () => spool.remove());
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

/** Rows as NDJSON arrays; a value travels as text, so that numbers keep every digit. */
async function spoolRows(source: RowSource, ctx: TaskContext): Promise<Reading> {
  const spool = ctx.spool('csv');
  let rows = 0;
  try {
    for await (const batch of source.batches()) {
      const lines: string[] = [];
      for (const row of batch) {
        if (row.length !== source.columns.length) {
          throw new BugError({ code: 'ROW_WIDTH', message: `${source.source}: a row has ${row.length} values for ${source.columns.length} columns` });
        }
        lines.push(row.map(csvField).join(','));
      }
      rows += batch.length;
      if (lines.length > 0) await spool.write(Buffer.from(`${lines.join('\n')}\n`));
    }
    const paths = await spool.finish();
    const columns = source.columns.map((column): SourceColumn => ({ ...column, text: column.text ?? {} }));
    return spoolReading('csv', paths, columns, source.source, rows, () => spool.remove());
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value as number | bigint | boolean);
  return `"${text.replaceAll('"', '""')}"`;
}

function spoolReading(format: 'csv' | 'ndjson', paths: readonly string[], columns: readonly SourceColumn[], name: string, rows: number | undefined, remove: () => Promise<void>): Reading {
  const from = paths.length === 0 ? emptyRelation(columns) : format === 'csv' ? csvRelation(paths, columns) : ndjsonRelation(paths, columns);
  return {
    relation: { from, columns },
    async check(seen) {
      if (rows !== undefined && rows !== seen) {
        throw new DataError({ code: 'SPOOL_MISMATCH', message: `${name}: ${rows} rows were spooled but ${seen} came back` });
      }
      return { keep: true, read: seen, rejected: 0, rejects: noRejects, files: [] };
    },
    close: remove,
  };
}

async function* noRejects(): AsyncGenerator<never> {}

export function emptyRelation(columns: readonly SourceColumn[]): string {
  const nulls = columns.map((c) => `NULL::VARCHAR AS ${quoteIdentifier(c.name)}`).join(', ');
  return `(SELECT ${nulls} LIMIT 0)`;
}

/** RFC 4180 as written by us: unquoted empty = NULL, `""` = empty string. */
export function csvRelation(paths: readonly string[], columns: readonly SourceColumn[]): string {
  const names = columns.map((c) => `${quoteLiteral(c.name)}: 'VARCHAR'`).join(', ');
  const list = paths.map(quoteLiteral).join(', ');
  return (
    `read_csv([${list}], auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', nullstr='', ` +
    `allow_quoted_nulls=false, max_line_size=67108864, columns={${names}})`
  );
}

function ndjsonRelation(paths: readonly string[], columns: readonly SourceColumn[]): string {
  const names = columns.map((c) => `${quoteLiteral(c.name)}: 'VARCHAR'`).join(', ');
  return `read_json([${paths.map(quoteLiteral).join(', ')}], format='newline_delimited', auto_detect=false, columns={${names}}, maximum_object_size=67108864)`;
}

export type TaskSpec = JsonObject;
