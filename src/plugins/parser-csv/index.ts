import { defineParser, type ParserFile, type ParserPlan } from '../../core/spi/index.js';
import { readHead, streamHead } from '../shared/file-chunks.js';
import { countCompleteBytes } from './complete-records.js';
import type { Dialect } from './dialect.js';
import { readHeader } from './header.js';
import { HEAD_BYTES } from './header-watch.js';
import { openCsv } from './open-csv.js';
import { readCharset, readColumns, readDialect } from './options.js';
import { csvSchema, type CsvConfig } from './schema.js';
import { openText } from './text-file.js';

export default defineParser<CsvConfig>({
  kind: 'parser',
  type: 'csv',
  summary: 'Reads delimited text: CSV, TSV and their dialects.',
  stability: 'stable',
  schema: csvSchema,
  examples: [
    {
      title: 'Comma-separated, with a header',
      config: {
        type: 'csv',
        skip_header_lines: 1,
        columns: [
          { name: 'id', type: 'long' },
          { name: 'ordered_at', type: 'timestamp', format: '%Y-%m-%d %H:%M:%S' },
        ],
      },
    },
    {
      title: "Tab-separated with MySQL's NULL",
      config: { type: 'csv', delimiter: '\t', quote: null, null_string: '\\N', columns: [{ name: 'name', type: 'string' }] },
    },
  ],
  filesPerTask: 2000,

  async plan(config, files, ctx): Promise<ParserPlan> {
    const columns = readColumns(config, ctx.place);
    const dialect = readDialect(config, ctx.place);
    const charset = readCharset(config, ctx.place);
    if (dialect.skipLines === 0 || config.match_columns === 'position') return { columns };
    if (ctx.memory) return { columns, memory: ctx.memory };
    const header = await firstHeader(files, dialect, charset);
    return header ? { columns, memory: { header } } : { columns };
  },

  completeBytes: (file, config) => countCompleteBytes(file, readDialect(config), readCharset(config)),

  open: (files, plan, config, ctx) => openCsv(files, plan, config, ctx),
});

async function firstHeader(files: readonly ParserFile[], dialect: Dialect, charset: string | undefined): Promise<readonly string[] | undefined> {
  for (const file of files) {
    const plain = file.path !== undefined && file.decoders.length === 0 && charset === undefined;
    const head = plain ? await readHead(file.path as string, HEAD_BYTES) : await streamHead(openText(file, charset), HEAD_BYTES);
    const header = readHeader(head.bytes, head.complete, dialect);
    if (header) return header;
  }
  return undefined;
}
