import { quoteIdentifier, quoteLiteral, quotePaths, type ParserFile, type Reading, type TaskContext, type Verdict } from '../../core/spi/index.js';
import { besideScan } from '../shared/beside-scan.js';
import { sourceColumns, type JsonLayout } from './config.js';
import { MAX_LINE_BYTES } from './native-lane.js';
import { listPlaces, noRejects } from './native-reading.js';
import { scanPlainFiles, type TypedShape } from './typed-lane.js';

export interface TypedLane {
  readonly files: readonly ParserFile[];
  /** Those that hold something. */
  readonly paths: readonly string[];
  readonly shape: TypedShape;
}

/** The typed lane: DuckDB's reader gives the values; a pass over the bytes proves that each line is one that it reads exactly. */
export function openTypedLane(lane: TypedLane, layout: JsonLayout, openInstead: () => Promise<Reading>, ctx: TaskContext): Reading {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let other = false;
  const pass = besideScan(async () => {
    const scanned = await scanPlainFiles(lane.files, lane.shape, { ...ctx, signal });
    other = scanned === undefined;
    return scanned;
  });
  let lines: readonly number[] = [];
  const columns = sourceColumns(layout).map((column) => {
    const { text, ...typed } = column;
    return isTyped(column.type) || text === undefined ? typed : column;
  });
  return {
    relation: { from: relationSql(lane, layout), columns },
    begin: () => pass.begin(),
    async check(rows): Promise<Verdict> {
      const scanned = await pass.result();
      const total = scanned?.reduce((sum, file) => sum + file.lines, 0);
      if (!scanned || rows !== total) {
        const reason = scanned ? (rows < 0 ? 'DuckDB cannot read the lines' : `${total} lines gave ${rows} rows`) : 'a line is not plain';
        return { keep: false, reason, instead: await openInstead() };
      }
      lines = scanned.map((file) => file.lines);
      return { keep: true, read: total, rejected: 0, rejects: noRejects, files: scanned.map((file) => file.fact) };
    },
    places: (ordinals, withRaw) => listPlaces({ files: lane.files, lines }, new Float64Array(0), ordinals, withRaw),
    shouldStop: () => Promise.resolve(other),
    async close() {
      stop.abort();
      await pass.over();
    },
  };
}

function isTyped(type: string): boolean {
  return type === 'long' || type === 'double' || type === 'boolean';
}

function relationSql({ paths, shape }: TypedLane, layout: JsonLayout): string {
  const select = layout.columns.map((column) => `${quoteIdentifier(column.path[0] as string)} as ${quoteIdentifier(column.name)}`).join(', ');
  const keys = shape.wanted.map(({ name, type }) => `${quoteLiteral(name)}: '${type}'`).join(', ');
  return (
    `(select ${select} from read_json(${quotePaths(paths)}, format='newline_delimited', records='true', auto_detect=false, compression='uncompressed', ` +
    `hive_partitioning=false, union_by_name=false, maximum_object_size=${MAX_LINE_BYTES}, columns={${keys}}))`
  );
}
