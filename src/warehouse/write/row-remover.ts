import { engineError } from '../../core/duckdb/index.js';
import type { StoreTransaction } from '../../core/spi/index.js';
import { indexDeletes, neededDeletes } from '../query/delete-files.js';
import type { FilePlan } from '../query/plan-files.js';
import { PLACE_COLUMNS, scanSql, urisOf, widenedFloats, type LocalPaths } from '../query/scan-sql.js';
import type { Workshop } from '../query/sql-parts.js';
import type { Storage } from '../storage/storage.js';
import { currentSchema, type ManifestEntry, type TableMetadata } from '../table/model.js';
import type { TableReader } from '../table/table-reader.js';
import { liveFiles, uselessDeletes } from './live-files.js';
import type { RowCondition } from './row-condition.js';
import type { StagedFile } from './staged-file.js';
import { planWholeRows } from './whole-rows.js';

export const NO_STATS = { manifestsTotal: 0, manifestsRead: 0, filesTotal: 0, filesKept: 0, rowsTotal: 0, rowsKept: 0, bytesTotal: 0, bytesKept: 0 };

/** Stages rows that a commit moves to other files; see `SideFiles`. */
export type StageRows = (
  plan: ReturnType<typeof planWholeRows>,
  select: string,
  shop: Workshop,
  tx: StoreTransaction | undefined,
) => Promise<readonly StagedFile[]>;

export interface RemoverTools {
  readonly storage: Storage;
  readonly reader: TableReader;
  readonly stageRows: StageRows;
  /** Files of an earlier look at the table that are of no use any more. */
  drop(files: readonly StagedFile[]): void;
}

/** What taking rows out of a table means for its files. */
export interface RemovedRows {
  /** Data files with such rows, and delete files that nothing needs without them. */
  readonly removed: readonly ManifestEntry[];
  /** The other rows of those files. */
  readonly rest: readonly StagedFile[];
  readonly rows: number;
  /** Data files of `removed`, and the deletes that apply to them, to be read again. */
  readonly plan: FilePlan;
  /** Changes whenever `plan` does. */
  readonly version: string;
}

interface Batch {
  readonly inputs: readonly ManifestEntry[];
  readonly rest: readonly StagedFile[];
}

/**
 * Takes rows out of a table, copy-on-write. It may be asked again when another commit came first: files it has looked at before
 * are not read again, unless they were rewritten or got deletes meanwhile.
 */
export class RowRemover {
  readonly #tools: RemoverTools;
  readonly #table: string;
  readonly #condition: RowCondition;
  /** Rows that go, by file; for the deletes that applied when it was read. */
  readonly #seen = new Map<string, { readonly deletes: string; readonly rows: number }>();
  #batches: Batch[] = [];

  constructor(tools: RemoverTools, table: string, condition: RowCondition) {
    this.#tools = tools;
    this.#table = table;
    this.#condition = condition;
  }

  async remove(table: TableMetadata, shop: Workshop, tx: StoreTransaction | undefined): Promise<RemovedRows> {
    const plan = await this.#condition.candidates(this.#tools.reader, table, shop);
    const index = indexDeletes(plan.deletes);
    const deletesOf = (entry: ManifestEntry): string =>
      index
        .of(entry)
        .map((d) => d.file.path)
        .sort()
        .join('\n');
    this.#forgetChanged(plan.data, deletesOf);
    await this.#look(table, plan, deletesOf, shop, tx);
    const data = plan.data.filter((entry) => (this.#seen.get(entry.file.path)?.rows ?? 0) > 0);
    const deletes = neededDeletes(data, plan.deletes);
    const useless = deletes.length > 0 ? uselessDeletes(await liveFiles(this.#tools.reader, table), data, deletes) : [];
    return {
      removed: [...data, ...useless],
      rest: this.#batches.flatMap((b) => b.rest),
      rows: data.reduce((sum, entry) => sum + (this.#seen.get(entry.file.path)?.rows ?? 0), 0),
      plan: { data, deletes, stats: NO_STATS },
      version: data.map((entry) => `${entry.file.path}\n${deletesOf(entry)}`).join('\n\n'),
    };
  }

  #forgetChanged(live: readonly ManifestEntry[], deletesOf: (entry: ManifestEntry) => string): void {
    const byPath = new Map(live.map((e) => [e.file.path, e]));
    const stands = (entry: ManifestEntry): boolean => {
      const now = byPath.get(entry.file.path);
      return now !== undefined && deletesOf(now) === this.#seen.get(entry.file.path)?.deletes;
    };
    const [kept, gone]: [Batch[], Batch[]] = [[], []];
    for (const batch of this.#batches) (batch.inputs.every(stands) ? kept : gone).push(batch);
    this.#batches = kept;
    this.#tools.drop(gone.flatMap((b) => b.rest));
    for (const { file } of gone.flatMap((b) => b.inputs)) this.#seen.delete(file.path);
    for (const entry of live) if (this.#seen.get(entry.file.path)?.deletes !== deletesOf(entry)) this.#seen.delete(entry.file.path);
  }

  async #look(
    table: TableMetadata,
    plan: FilePlan,
    deletesOf: (entry: ManifestEntry) => string,
    shop: Workshop,
    tx: StoreTransaction | undefined,
  ): Promise<void> {
    const fresh = plan.data.filter((entry) => !this.#seen.has(entry.file.path));
    if (fresh.length === 0) return;
    const local = await localPaths(this.#tools.storage, { ...plan, data: fresh });
    const counts = await this.#countRows(table, { data: fresh, deletes: neededDeletes(fresh, plan.deletes), stats: NO_STATS }, local, shop);
    const partial: ManifestEntry[] = [];
    for (const entry of fresh) {
      const rows = counts.get(local.get(entry.file.path) ?? '') ?? 0;
      const deletes = deletesOf(entry);
      this.#seen.set(entry.file.path, { deletes, rows });
      // How many rows position deletes hide is not known, so files with some are read for a rest that may be empty.
      if (rows > 0 && (rows !== entry.file.recordCount || deletes !== '')) partial.push(entry);
    }
    if (partial.length === 0) return;
    const widened = widenedFloats(table);
    const rows = scanSql({ data: partial, deletes: neededDeletes(partial, plan.deletes), stats: NO_STATS }, currentSchema(table), local, { widened });
    const select = `SELECT *, 0 AS __status FROM ${this.#condition.remaining(`(${rows})`)}`;
    const rest = await this.#tools.stageRows(planWholeRows(this.#table, table), select, shop, tx);
    this.#batches.push({ inputs: partial, rest });
  }

  async #countRows(table: TableMetadata, plan: FilePlan, local: LocalPaths, shop: Workshop): Promise<ReadonlyMap<string, number>> {
    const scan = scanSql(plan, currentSchema(table), local, { withPlace: true, widened: widenedFloats(table) });
    const from = this.#condition.matching(`(${scan})`);
    const found = await shop.sql.rows(`SELECT t.${PLACE_COLUMNS.file} AS file, count(*) AS n FROM ${from} GROUP BY ALL`).catch((error: unknown) => {
      throw engineError(error, `looking for rows to replace in ${this.#table}`);
    });
    return new Map(found.map((r) => [String(r['file']), Number(r['n'])]));
  }
}

export async function localPaths(storage: Storage, plan: FilePlan): Promise<LocalPaths> {
  return new Map(await Promise.all(urisOf(plan).map(async (uri) => [uri, await storage.localPath(uri)] as const)));
}
