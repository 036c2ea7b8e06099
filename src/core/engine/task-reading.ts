import type { ByteSource, Reading, RowSource, SourceColumn, TaskContext, TaskSource } from '../spi/index.js';
import { BugError, DataError, quoteIdentifier, quoteLiteral, quotePaths } from '../spi/index.js';

/** Turns the bytes and rows forms into the relation form, through spool segments. A preview stops reading after `sampleBytes`. */
export async function toReading(source: TaskSource, ctx: TaskContext, sampleBytes = Infinity): Promise<Reading> {
  switch (source.form) {
    case 'relation':
      return source.reading;
    case 'bytes':
      return spoolBytes(source, ctx, sampleBytes);
    case 'rows':
      return spoolRows(source, ctx, sampleBytes);
  }
}

async function spoolBytes(source: ByteSource, ctx: TaskContext, sampleBytes: number): Promise<Reading> {
  const spool = ctx.spool(source.format);
  let longest = 0;
  try {
    for await (const chunk of source.chunks()) {
      longest = Math.max(longest, longestLine(chunk));
      await spool.write(chunk);
      ctx.progress({ bytes: chunk.length });
      if (spool.bytes >= sampleBytes) break;
    }
    const paths = await spool.finish();
    const rows = ctx.sampleBytes === undefined ? source.rows?.() : undefined;
    return spoolReading(source, source.format, paths, longest, rows, () => spool.remove());
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

/** Rows as NDJSON arrays; a value travels as text, so that numbers keep every digit. */
async function spoolRows(source: RowSource, ctx: TaskContext, sampleBytes: number): Promise<Reading> {
  const spool = ctx.spool('csv');
  let rows = 0;
  let longest = 0;
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
      ctx.progress({ rows: batch.length });
      for (const line of lines) longest = Math.max(longest, Buffer.byteLength(line));
      if (lines.length > 0) await spool.write(Buffer.from(`${lines.join('\n')}\n`));
      if (spool.bytes >= sampleBytes) break;
    }
    const paths = await spool.finish();
    const columns = source.columns.map((column): SourceColumn => ({ ...column, text: column.text ?? {} }));
    return spoolReading({ ...source, columns }, 'csv', paths, longest, rows, () => spool.remove());
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

/** Bytes of the longest line of a chunk that ends at a record's end. */
function longestLine(chunk: Uint8Array): number {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let longest = 0;
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    longest = Math.max(longest, end - at);
    at = end;
  }
  return longest;
}

function spoolReading(
  { columns, source: name }: { readonly columns: readonly SourceColumn[]; readonly source: string },
  format: 'csv' | 'ndjson',
  paths: readonly string[],
  longest: number,
  rows: number | undefined,
  remove: () => Promise<void>,
): Reading {
  const from =
    paths.length === 0 ? emptyRelation(columns) : format === 'csv' ? csvRelation(paths, columns, longest) : ndjsonRelation(paths, columns, longest);
  return {
    relation: { from, columns },
    async check(seen, failure) {
      if (failure !== undefined) throw failure;
      if (rows !== undefined && rows !== seen) {
        throw new DataError({ code: 'SPOOL_MISMATCH', message: `${name}: ${rows} rows were spooled but ${seen} came back` });
      }
      return { keep: true, read: seen, rejected: 0, rejects: noRejects, files: [] };
    },
    close: remove,
  };
}

async function* noRejects(): AsyncGenerator<never> {}

function emptyRelation(columns: readonly SourceColumn[]): string {
  const nulls = columns.map((c) => `NULL::VARCHAR AS ${quoteIdentifier(c.name)}`).join(', ');
  return `(SELECT ${nulls} LIMIT 0)`;
}

/**
 * Bytes of a line with its end, and of the buffers for those: half of DuckDB's own. It buffers a multiple of a larger limit, which is
 * therefore only given where a line needs it.
 */
const PLAIN_LINE = 2_097_152;
const PLAIN_BUFFER = 16_777_216;

/** RFC 4180 as written by us: unquoted empty = NULL, `""` = empty string. */
function csvRelation(paths: readonly string[], columns: readonly SourceColumn[], longest: number): string {
  const names = columns.map((c) => `${quoteLiteral(c.name)}: 'VARCHAR'`).join(', ');
  const [line, buffer] = longest < PLAIN_LINE ? [PLAIN_LINE, PLAIN_BUFFER] : [longest + 1, 4 * (longest + 1)];
  return (
    `read_csv(${quotePaths(paths)}, auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', nullstr='', ` +
    `allow_quoted_nulls=false, hive_partitioning=false, max_line_size=${line}, buffer_size=${buffer}, columns={${names}})`
  );
}

function ndjsonRelation(paths: readonly string[], columns: readonly SourceColumn[], longest: number): string {
  const names = columns.map((c) => `${quoteLiteral(c.name)}: 'VARCHAR'`).join(', ');
  const size = Math.max(16_777_216, longest + 1);
  return `read_json(${quotePaths(paths)}, format='newline_delimited', auto_detect=false, hive_partitioning=false, columns={${names}}, maximum_object_size=${size})`;
}
