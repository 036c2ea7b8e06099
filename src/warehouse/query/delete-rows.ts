import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throughGate } from '../../core/duckdb/index.js';
import { ConfigError, ConflictError, quoteIdentifier, quoteLiteral, quotePath, type JsonObject } from '../../core/spi/index.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { whyNotRewritable } from '../maintain/rewritable.js';
import { currentSchema, currentSnapshot, defaultSpec, type ManifestEntry } from '../table/model.js';
import { rewriteChange, type Rewrite } from '../write/commit-rewrite.js';
import { stagedFilesOf, type StagedFile } from '../write/staged-file.js';
import { planWholeRows } from '../write/whole-rows.js';
import { indexDeletes } from './delete-files.js';
import type { SqlText } from './dialect.js';
import type { QueryOptions } from './query-options.js';
import { checkSignal, placesName, prepareUserSelect, type BoundTable, type QuerySession } from './query-session.js';
import { isCurrent } from './resolve.js';
import { PLACE_COLUMNS } from './scan-sql.js';
import { userSqlError } from './sql-errors.js';
import { isSign, tokenizeSql } from './sql-tokens.js';
import { inWorkshop, qualify, type SqlOutcome, type SqlParts, type Workshop } from './sql-parts.js';
import { asRun, type SqlRun } from './sql-run.js';
import type { SqlStatement } from './write-statements.js';
import { rowCount } from './row-count.js';

/** Each is lost only to a commit that rewrote files which this one rewrites, such as a compaction. */
const MAX_ATTEMPTS = 20;

type Delete = Extract<SqlStatement, { kind: 'delete' }>;

/** What a predicate hits: files that lose all rows, and files that lose some, whose other rows are in `rest`. */
interface Hits {
  readonly rows: number;
  readonly whole: readonly ManifestEntry[];
  readonly partial: readonly ManifestEntry[];
  readonly rest: string | undefined;
  readonly appliedDeletes: ReadonlySet<string>;
}

/**
 * DELETE FROM, copy-on-write: files whose rows all match leave the metadata, files with some matches are written anew without
 * them, all others stay untouched and unread where pruning shows that nothing can match. Without WHERE nothing is read at all.
 */
export async function deleteRows(parts: SqlParts, statement: Delete, text: string, options: QueryOptions): Promise<SqlOutcome> {
  const { name } = await parts.warehouse.catalog.loadTable(qualify(statement.table, options));
  const label = `${name.namespace}.${name.name}`;
  return inWorkshop(options, (shop) =>
    asRun(parts.warehouse, label, text, options, async (run) => {
      for (let attempt = 1; ; attempt++) {
        const staged: string[] = [];
        try {
          return await deleteOnce(parts, statement, label, attemptTools(shop, run, attempt, staged), options);
        } catch (error) {
          if (!(error instanceof ConflictError) || error.code !== 'TABLE_CHANGED' || attempt >= MAX_ATTEMPTS) throw error;
          await run.forget(staged);
        }
      }
    }),
  );
}

interface Attempt {
  readonly shop: Workshop;
  readonly run: SqlRun;
  readonly folder: string;
  /** What it wrote, should it be lost. */
  readonly staged: string[];
}

function attemptTools(shop: Workshop, run: SqlRun, attempt: number, staged: string[]): Attempt {
  return { shop, run, folder: join(shop.folder, `attempt-${attempt}`), staged };
}

/** Finds the rows in the table as it is now. Lost to a rewrite of the same files, it is done again on what that left. */
async function deleteOnce(parts: SqlParts, statement: Delete, label: string, attempt: Attempt, options: QueryOptions): Promise<SqlOutcome> {
  const loaded = await parts.warehouse.catalog.loadTable(label);
  await mkdir(attempt.folder);
  const { predicate } = statement;
  const hits = predicate === undefined ? undefined : await findHits(parts, statement.from, predicate, label, loaded, attempt, options);
  const added = hits?.rest === undefined ? [] : await stageRest(parts, loaded, label, hits.rest, attempt);
  checkSignal(options.signal);
  return commitDelete(parts, loaded, label, hits, added, attempt.run);
}

async function findHits(
  parts: SqlParts,
  from: string,
  predicate: string,
  label: string,
  loaded: LoadedTable,
  attempt: Attempt,
  options: QueryOptions,
): Promise<Hits> {
  const matches = join(attempt.folder, 'matches.parquet');
  const rest = join(attempt.folder, 'rest.parquet');
  const session = await parts.engine.openSession(selectOf(from, predicate), { ...options, outputFiles: [matches, rest], placesOf: label });
  try {
    (await prepareUserSelect(session)).destroySync();
    const target = session.tables.find((t) => isCurrent(t.relation, label));
    if (!target || target.plan.data.length === 0) return { rows: 0, whole: [], partial: [], rest: undefined, appliedDeletes: new Set() };
    const counts = await matchRows(session, target, matches);
    const byPath = new Map(target.plan.data.map((e) => [session.local.get(e.file.path) ?? '', e]));
    const hit = [...counts].map(([path, rows]) => ({ entry: byPath.get(path) as ManifestEntry, rows }));
    const deletes = indexDeletes(target.plan.deletes);
    const whole = hit.filter(({ entry, rows }) => rows === entry.file.recordCount && deletes.of(entry).length === 0).map((h) => h.entry);
    const gone = new Set(whole);
    const partial = hit.filter(({ entry }) => !gone.has(entry)).map((h) => h.entry);
    if (partial.length > 0) await copyRest(session, target, partial, loaded, label, { matches, rest });
    return {
      rows: hit.reduce((n, h) => n + h.rows, 0),
      whole,
      partial,
      rest: partial.length > 0 ? rest : undefined,
      appliedDeletes: new Set(target.plan.deletes.map((d) => d.file.path)),
    };
  } finally {
    await session.close();
  }
}

/** `FROM t WHERE(…)` with each character where it stood in the statement: the blank after WHERE becomes the parenthesis. */
function selectOf(from: string, predicate: string): string {
  const head = `${from}WHERE`;
  const body = predicate.slice(head.length);
  return `${head}(${body.startsWith(' ') ? body.slice(1) : body}\n)`;
}

/** The text with the table that it deletes from, which comes first, read with the places of its rows; within the condition it is read as ever. */
function withPlaces(sql: SqlText, target: BoundTable): string {
  const [, first, dot, second] = tokenizeSql(sql.text);
  const last = isSign(dot, '.') ? second : first;
  if (first === undefined || last === undefined) throw new RangeError(`no table in ${sql.text}`);
  return `${sql.text.slice(0, first.start)}${placesName(target.relation)}${sql.text.slice(last.end)}`;
}

/** The predicate runs once; places of the matching rows go to a file, so that memory does not grow with them. */
async function matchRows(session: QuerySession, target: BoundTable, matches: string): Promise<ReadonlyMap<string, number>> {
  const { connection } = session.sandbox;
  const head = `COPY (SELECT ${PLACE_COLUMNS.file} AS file, ${PLACE_COLUMNS.row} AS row FROM (`;
  const select = withPlaces(session.sql, target);
  try {
    await throughGate(async () => {
      const statement = await connection.native.prepare(`${head}${select}\n)) TO ${quoteLiteral(matches)} (FORMAT parquet, USE_TMP_FILE false)`);
      session.bind(statement);
      await statement.run();
    });
  } catch (error) {
    const added = Buffer.byteLength(head) + Buffer.byteLength(select) - Buffer.byteLength(session.sql.text);
    throw userSqlError(session.sql, error, added);
  }
  const rows = await connection.rows(`SELECT file, count(*) AS n FROM read_parquet(${quotePath(matches)}, hive_partitioning = false) GROUP BY file`);
  return new Map(rows.map((r) => [String(r['file']), Number(r['n'])]));
}

async function copyRest(
  session: QuerySession,
  target: BoundTable,
  partial: readonly ManifestEntry[],
  loaded: LoadedTable,
  label: string,
  files: { readonly matches: string; readonly rest: string },
): Promise<void> {
  const why = whyNotRewritable(loaded.metadata);
  if (why !== undefined)
    throw new ConfigError({
      code: 'TABLE_NOT_REWRITABLE',
      message: `${label}: rows of this table cannot be rewritten here: ${why}`,
      hint: 'delete whole partitions, or use the engine that made the table',
    });
  const columns = currentSchema(loaded.metadata).fields.map((f) => `t.${quoteIdentifier(f.name)}`);
  const paths = partial.map((e) => quoteLiteral(session.local.get(e.file.path) ?? ''));
  await session.sandbox.connection.run(
    `COPY (SELECT ${columns.join(', ')} FROM ${placesName(target.relation)} t ANTI JOIN read_parquet(${quotePath(files.matches)}, hive_partitioning = false) m ON m.file = t.${PLACE_COLUMNS.file} AND m.row = t.${PLACE_COLUMNS.row} WHERE t.${PLACE_COLUMNS.file} IN (${paths.join(', ')})) TO ${quoteLiteral(files.rest)} (FORMAT parquet, USE_TMP_FILE false)`,
  );
}

async function stageRest(
  parts: SqlParts,
  loaded: LoadedTable,
  label: string,
  rest: string,
  { shop, run, staged }: Attempt,
): Promise<readonly StagedFile[]> {
  const plan = planWholeRows(label, loaded.metadata);
  const select = `SELECT *, 0 AS __status FROM read_parquet(${quotePath(rest)}, hive_partitioning = false)`;
  const report = await parts.warehouse.stageFiles(
    plan,
    { select, statusColumn: '__status' },
    {
      runId: run.runId,
      task: 0,
      sql: shop.sql,
      reach: () => undefined,
      async record(paths) {
        staged.push(...paths);
        await run.record(paths);
      },
    },
  );
  return stagedFilesOf(report.staged);
}

async function commitDelete(
  parts: SqlParts,
  loaded: LoadedTable,
  label: string,
  hits: Hits | undefined,
  added: readonly StagedFile[],
  run: SqlRun,
): Promise<SqlOutcome> {
  const { warehouse } = parts;
  const { metadata } = loaded;
  const rows = hits ? hits.rows : await liveRows(parts, loaded);
  const facts: JsonObject = { rowsDeleted: rows, filesRemoved: hits ? hits.whole.length : 'all', filesRewritten: hits?.partial.length ?? 0 };
  const rewrite: Rewrite = {
    table: label,
    tableUuid: metadata['table-uuid'],
    removed: hits ? [...hits.whole, ...hits.partial] : 'all',
    appliedDeletes: hits?.appliedDeletes ?? new Set(),
    added,
    partition: defaultSpec(metadata).fields,
    operation: added.length > 0 ? 'overwrite' : 'delete',
    runId: run.runId,
    facts,
  };
  const change = rewriteChange({ storage: warehouse.storage, reader: warehouse.reader, reach: () => undefined }, rewrite, () =>
    warehouse.clock.now(),
  );
  const commit = await warehouse.commitChanges([change], {
    runId: run.runId,
    reach: () => undefined,
    within: (tx, commitFacts) => run.complete(tx, facts, commitFacts),
  });
  return { kind: 'done', message: `deleted ${rowCount(rows)} from ${label}`, rows, runId: run.runId, facts: commit.facts };
}

async function liveRows(parts: SqlParts, loaded: LoadedTable): Promise<number> {
  const snapshot = currentSnapshot(loaded.metadata);
  let rows = 0;
  for (const manifest of snapshot ? await parts.warehouse.reader.manifests(snapshot) : [])
    rows += (manifest.content === 0 ? 1 : -1) * (manifest.addedRows + manifest.existingRows);
  return Math.max(0, rows);
}
