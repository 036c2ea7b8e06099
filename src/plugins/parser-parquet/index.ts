import {
  ConfigError,
  DataError,
  defineParser,
  quoteIdentifier,
  type ConfigPlace,
  type FileFact,
  type ParserFile,
  type PluginContext,
  type RejectRecord,
  type RowPlace,
  type SourceColumn,
  type SqlConnection,
} from '../../core/spi/index.js';
import { hashBytes } from '../shared/line-scan.js';
import { relationType, sourceColumnOf, valueSql, widen } from './column-types.js';
import { describeFiles, scanSql, type DescribedFile } from './describe.js';
import { makeLocal, type LocalFile } from './local-file.js';
import { parquetParserSchema } from './schema.js';

export interface ParquetParserConfig {
  readonly type: 'parquet';
  readonly columns?: readonly string[];
  readonly allow_missing_columns?: boolean;
}

const PLACES_PER_BATCH = 1000;

export default defineParser<ParquetParserConfig>({
  kind: 'parser',
  type: 'parquet',
  summary: 'Reads Parquet files; columns and types come from the files.',
  stability: 'stable',
  schema: parquetParserSchema,
  examples: [
    { title: 'All columns', config: { type: 'parquet' } },
    { title: 'Some columns', config: { type: 'parquet', columns: ['id', 'amount'] } },
  ],
  filesPerTask: 256,
  needsWholeFile: true,

  async plan(config, files, ctx) {
    if (files.length === 0) return { columns: (ctx.memory?.['columns'] as SourceColumn[] | undefined) ?? [] };
    const described = await withLocalFiles(files, ctx, 'plan', (local) => describeFiles(local, ctx.sql));
    const columns = planColumns(described, config, (path) => ctx.place.at(path));
    return { columns, memory: { columns: columns.map((c) => ({ name: c.name, type: c.type, ...(c.text ? { text: {} } : {}) })) } };
  },

  async open(files, plan, _config, ctx) {
    const local: LocalFile[] = [];
    const close = async (): Promise<void> => void (await Promise.all(local.map((l) => l.remove())));
    try {
      for (const file of files) local.push(await makeLocal(file, ctx, `task-${ctx.task}`));
      const described = await describeFiles(local, ctx.sql);
      const total = described.reduce((sum, d) => sum + d.rows, 0);
      return {
        relation: { from: relationSql(described, plan.columns), columns: plan.columns },
        async check(rows) {
          if (rows >= 0 && rows !== total)
            throw new DataError({
              code: 'PARQUET_ROWS',
              message: `${files.map((f) => f.name).join(', ')}: the files state ${total} rows, ${rows} were read`,
              hint: 'check that the files are complete',
            });
          const facts: FileFact[] = [];
          for (const file of files) facts.push({ source: file.name, ...(await hashBytes(file.openRaw(), ctx.signal)) });
          return { keep: true, read: total, rejected: 0, rejects: noRejects, files: facts };
        },
        places: (ordinals) => listPlaces(described, ordinals),
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
});

/** A Parquet file has no records of a wrong shape. */
async function* noRejects(): AsyncGenerator<RejectRecord[]> {}

async function withLocalFiles<T>(
  files: readonly ParserFile[],
  ctx: PluginContext & { readonly sql: SqlConnection },
  purpose: string,
  work: (local: readonly LocalFile[]) => Promise<T>,
): Promise<T> {
  const local: LocalFile[] = [];
  try {
    for (const file of files) local.push(await makeLocal(file, ctx, purpose));
    return await work(local);
  } finally {
    await Promise.all(local.map((l) => l.remove()));
  }
}

function planColumns(files: readonly DescribedFile[], config: ParquetParserConfig, at: ConfigPlace['at']): SourceColumn[] {
  const planned = new Map<string, { column: SourceColumn; duckdb: string; from: string; files: number }>();
  for (const file of files) {
    const name = file.local.file.name;
    for (const parquet of file.columns) {
      const column = sourceColumnOf(parquet);
      const key = parquet.name.toLowerCase();
      const before = planned.get(key);
      if (!before) {
        planned.set(key, { column, duckdb: parquet.duckdb, from: name, files: 1 });
        continue;
      }
      const widened = before.column.name === column.name ? widen(before.column, column) : undefined;
      if (!widened) {
        throw new DataError({
          code: 'PARQUET_SCHEMAS_DIFFER',
          message: `column "${before.column.name}" is ${before.duckdb} in ${before.from}, but "${column.name}" ${parquet.duckdb} in ${name}`,
          hint: 'only integers, floats and decimals of one scale widen; load such files in separate pipelines, or leave the column out with parser.columns',
          where: { file: name },
        });
      }
      planned.set(key, { ...before, column: { ...widened, name: before.column.name }, files: before.files + 1 });
    }
  }
  const chosen = config.columns
    ? config.columns.map((name, i) => {
        const found = [...planned.values()].find((p) => p.column.name === name);
        if (found) return found;
        throw new ConfigError({
          code: 'PARQUET_COLUMN_UNKNOWN',
          message: `parser.columns[${i}]: no file has a column "${name}"`,
          hint: `the files have ${[...planned.values()].map((p) => p.column.name).join(', ')}`,
          where: at(`columns[${i}]`),
        });
      })
    : [...planned.values()];
  const partial = config.allow_missing_columns === true ? undefined : chosen.find((c) => c.files < files.length);
  if (partial) {
    const without = files.find((f) => !f.columns.some((c) => c.name === partial.column.name));
    throw new DataError({
      code: 'PARQUET_COLUMN_MISSING',
      message: `column "${partial.column.name}" of ${partial.from} is missing in ${without?.local.file.name ?? 'another file'}`,
      hint: 'set parser.allow_missing_columns: true to read it as NULL there, or name the columns to read in parser.columns',
      where: { file: without?.local.file.name ?? partial.from },
    });
  }
  return chosen.map((c) => c.column);
}

/** One SELECT a run of files with the same columns, one after the other: rows keep the files' order. */
function relationSql(files: readonly DescribedFile[], columns: readonly SourceColumn[]): string {
  const runs: DescribedFile[][] = [];
  for (const file of files) {
    const run = runs[runs.length - 1];
    if (run && (run[0] as DescribedFile).columns === file.columns) run.push(file);
    else runs.push([file]);
  }
  const parts = runs.map((run) => {
    const file = run[0] as DescribedFile;
    const exprs = columns.map((planned) => {
      const column = file.columns.find((c) => c.name === planned.name);
      const type = relationType(planned);
      return `${column ? valueSql(quoteIdentifier(column.name), column, planned, type) : `cast(null as ${type})`} as ${quoteIdentifier(planned.name)}`;
    });
    return `select ${exprs.join(', ')} from ${scanSql(run.map((f) => f.local.path))}`;
  });
  return `(${parts.join(' union all ')})`;
}

async function* listPlaces(files: readonly DescribedFile[], ordinals: Float64Array): AsyncGenerator<RowPlace[]> {
  let batch: RowPlace[] = [];
  let file = 0;
  let before = 0;
  for (const ordinal of ordinals) {
    while (file < files.length - 1 && ordinal > before + (files[file] as DescribedFile).rows) before += (files[file++] as DescribedFile).rows;
    batch.push({ source: (files[file] as DescribedFile).local.file.name, recordNumber: ordinal - before, byteOffset: null, raw: null });
    if (batch.length < PLACES_PER_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
