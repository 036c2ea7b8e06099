import { engineError } from '../../core/duckdb/index.js';
import { DataError, quoteIdentifier, type SqlValue, type StoreTransaction } from '../../core/spi/index.js';
import { PLACE_COLUMNS, scanSql, widenedFloats, type LocalPaths } from '../query/scan-sql.js';
import type { Workshop } from '../query/sql-parts.js';
import { ADDED, currentSchema, type DataFile, type ManifestEntry, type TableMetadata } from '../table/model.js';
import { keyCondition, type RowCondition } from './row-condition.js';
import { NO_STATS, localPaths, type RemovedRows, type RemoverTools } from './row-remover.js';
import type { StagedFile } from './staged-file.js';
import { planWholeRows } from './whole-rows.js';
import type { MergeOrder, WritePlan } from './write-plan.js';

const STAGED = '__sluice_staged';
/** Staged rows, and those that only name keys to delete. */
const KEYS = '__sluice_keys';
const LOSERS = '__sluice_losers';
const SHOWN = 5;

/** What a merge puts into its table. */
export interface IncomingRows {
  readonly files: readonly StagedFile[];
  /** Staged files that are not used as they are. */
  readonly unused: readonly StagedFile[];
}

/**
 * The staged rows of a merge. They go in as they were staged, unless columns that the load does not have are to keep the values
 * of the rows they replace, or several rows have one key: then they are written anew.
 */
export class MergeRows {
  readonly #tools: RemoverTools;
  readonly #plan: WritePlan;
  readonly #staged: readonly StagedFile[];
  readonly #coming: readonly StagedFile[];
  readonly #deleting: readonly StagedFile[];
  readonly #keys: readonly string[];
  #losers = 0;
  #written: { readonly version: string; readonly files: readonly StagedFile[] } | undefined;

  constructor(tools: RemoverTools, plan: WritePlan, staged: readonly StagedFile[]) {
    this.#tools = tools;
    this.#plan = plan;
    this.#staged = staged;
    this.#coming = staged.filter((file) => file.deletes !== true);
    this.#deleting = staged.filter((file) => file.deletes === true);
    this.#keys = plan.mergeKeys ?? [];
  }

  /** Rows that lost to a later one with the same key. */
  get losers(): number {
    return this.#losers;
  }

  /** Makes the staged rows known to the engine and judges their keys. Errors: DataError DUPLICATE_KEYS, KEY_NULL. */
  async open(table: TableMetadata, toFiles: (staged: readonly StagedFile[]) => readonly DataFile[], shop: Workshop): Promise<RowCondition> {
    const files = toFiles(this.#staged);
    await this.#openView(KEYS, table, files, shop);
    await this.#openView(STAGED, table, toFiles(this.#coming), shop);
    this.#refuseNulls(table);
    await this.#judgeKeys(shop);
    return keyCondition(this.#keys, files, KEYS);
  }

  async #openView(name: string, table: TableMetadata, files: readonly DataFile[], shop: Workshop): Promise<void> {
    const data = files.map((file): ManifestEntry => ({ status: ADDED, snapshotId: 0n, sequenceNumber: 0, fileSequenceNumber: 0, file }));
    const plan = { data, deletes: [], stats: NO_STATS };
    const local: LocalPaths = await localPaths(this.#tools.storage, plan);
    await shop.sql.run(`CREATE OR REPLACE TEMP VIEW ${name} AS ${scanSql(plan, currentSchema(table), local, { withPlace: true })}`);
  }

  /** The engine rejects them before they are staged; a NULL here would be a row that can never be replaced. */
  #refuseNulls(table: TableMetadata): void {
    for (const field of currentSchema(table).fields.filter((f) => this.#keys.includes(f.name))) {
      const nulls = this.#staged.reduce((sum, file) => sum + Math.max(0, file.columns.find(([id]) => id === field.id)?.[3] ?? 0), 0);
      if (nulls === 0) continue;
      throw new DataError({
        code: 'KEY_NULL',
        message: `${this.#plan.table}: ${nulls} rows have NULL in the key column ${field.name}`,
        hint: 'drop them with a where filter, or choose other merge_keys',
      });
    }
  }

  async #judgeKeys(shop: Workshop): Promise<void> {
    const keys = this.#keys.map(quoteIdentifier).join(', ');
    const order = this.#plan.mergeOrderBy ?? [];
    const doubled = `SELECT ${keys} FROM ${KEYS} GROUP BY ${keys} HAVING count(*) > 1`;
    if (order.length === 0) {
      const found = await this.#rows(shop, `SELECT ${keys}, count(*) OVER () AS __total FROM (${doubled}) ORDER BY ALL LIMIT ${SHOWN}`);
      if (found.length > 0) throw this.#duplicates(found, 'merge_order_by: updated_at, say, takes the row with the latest');
      return;
    }
    const on = this.#keys.map((k) => `d.${quoteIdentifier(k)} = s.${quoteIdentifier(k)}`).join(' AND ');
    const ranked =
      `SELECT ${[...this.#keys.map((k) => `s.${quoteIdentifier(k)}`), `s.${PLACE_COLUMNS.file} AS file`, `s.${PLACE_COLUMNS.row} AS row`].join(', ')}, ` +
      `rank() OVER (PARTITION BY ${this.#keys.map((k) => `s.${quoteIdentifier(k)}`).join(', ')} ORDER BY ${orderSql(order)}) AS place FROM ${KEYS} s SEMI JOIN (${doubled}) d ON ${on}`;
    await shop.sql.run(`CREATE OR REPLACE TEMP TABLE ${LOSERS} AS ${ranked}`);
    const tied = await this.#rows(
      shop,
      `SELECT ${keys}, count(*) OVER () AS __total FROM (SELECT ${keys} FROM ${LOSERS} WHERE place = 1 GROUP BY ${keys} HAVING count(*) > 1) ORDER BY ALL LIMIT ${SHOWN}`,
    );
    const names = order.map((by) => by.column).join(', ');
    if (tied.length > 0)
      throw this.#duplicates(tied, `their values of ${names} are equal, too: add a column to merge_order_by that tells which is the last`);
    await shop.sql.run(`DELETE FROM ${LOSERS} WHERE place = 1`);
    this.#losers = Number((await this.#rows(shop, `SELECT count(*) AS n FROM ${LOSERS}`))[0]?.['n']);
  }

  #duplicates(found: readonly Record<string, SqlValue>[], hint: string): DataError {
    const total = Number(found[0]?.['__total']);
    const examples = found.map((row) => this.#keys.map((k) => `${k} = ${String(row[k])}`).join(' and ')).join('; ');
    return new DataError({
      code: 'DUPLICATE_KEYS',
      message: `${this.#plan.table}: ${total} ${total === 1 ? 'key stands' : 'keys stand'} in several rows of this load, such as ${examples}`.slice(
        0,
        1000,
      ),
      hint: `a merge needs one row for each key; ${hint}`,
    });
  }

  /** The rows to put in, given which ones they replace. */
  async incoming(
    table: TableMetadata,
    removed: RemovedRows,
    condition: RowCondition,
    shop: Workshop,
    tx: StoreTransaction | undefined,
  ): Promise<IncomingRows> {
    const given = new Set(this.#plan.columns.map((c) => c.id));
    const missing = currentSchema(table).fields.filter((f) => !given.has(f.id));
    if (this.#losers === 0 && (missing.length === 0 || removed.plan.data.length === 0)) {
      this.#drop();
      return { files: this.#coming, unused: this.#deleting };
    }
    if (this.#written?.version !== removed.version) {
      this.#drop();
      const select = await this.#select(
        table,
        removed,
        condition,
        missing.map((f) => f.name),
      );
      this.#written = { version: removed.version, files: await this.#tools.stageRows(planWholeRows(this.#plan.table, table), select, shop, tx) };
    }
    return { files: this.#written.files, unused: this.#staged };
  }

  #drop(): void {
    if (this.#written) this.#tools.drop(this.#written.files);
    this.#written = undefined;
  }

  async #select(table: TableMetadata, removed: RemovedRows, condition: RowCondition, missing: readonly string[]): Promise<string> {
    const { fields } = currentSchema(table);
    const kept = this.#losers === 0 ? '' : ` ANTI JOIN ${LOSERS} l ON l.file = s.${PLACE_COLUMNS.file} AND l.row = s.${PLACE_COLUMNS.row}`;
    const staged = `SELECT s.* FROM ${STAGED} s${kept}`;
    if (missing.length === 0 || removed.plan.data.length === 0)
      return `SELECT ${fields.map((f) => quoteIdentifier(f.name)).join(', ')}, 0 AS __status FROM (${staged})`;
    const local = await localPaths(this.#tools.storage, removed.plan);
    const old = scanSql(removed.plan, currentSchema(table), local, { withPlace: true, widened: widenedFloats(table) });
    const names = [...this.#keys, ...missing].map((n) => `t.${quoteIdentifier(n)}`).join(', ');
    const keys = this.#keys.map((k) => `t.${quoteIdentifier(k)}`).join(', ');
    // Two old rows with one key become one; which one gives its values must not change from try to try.
    const one = `SELECT DISTINCT ON (${keys}) ${names} FROM ${condition.matching(`(${old})`)} ORDER BY ${keys}, t.${PLACE_COLUMNS.file}, t.${PLACE_COLUMNS.row}`;
    const columns = fields.map((f) => `${missing.includes(f.name) ? 'o' : 's'}.${quoteIdentifier(f.name)} AS ${quoteIdentifier(f.name)}`);
    const on = this.#keys.map((k) => `o.${quoteIdentifier(k)} = s.${quoteIdentifier(k)}`).join(' AND ');
    return `SELECT ${columns.join(', ')}, 0 AS __status FROM (${staged}) s LEFT JOIN (${one}) o ON ${on}`;
  }

  async #rows(shop: Workshop, sql: string): Promise<Record<string, SqlValue>[]> {
    return shop.sql.rows(sql).catch((error: unknown) => {
      throw engineError(error, `comparing the keys of ${this.#plan.table}`);
    });
  }
}

function orderSql(order: readonly MergeOrder[]): string {
  return order.map((by) => `s.${quoteIdentifier(by.column)} ${by.descending ? 'ASC NULLS FIRST' : 'DESC NULLS LAST'}`).join(', ');
}
