import { ConfigError, ConflictError, type StoreTransaction } from '../../core/spi/index.js';
import type { DroppedTable, Metastore, TablePointer } from '../../metastore/types.js';
import type { TableReader } from '../table/table-reader.js';
import type { TableMetadata } from '../table/model.js';
import { formatTableName, rejectsNameOf, splitTableName, type TableName } from './table-name.js';

/** A table as its pointer shows it now. */
export interface LoadedTable {
  readonly name: TableName;
  readonly metadataLocation: string;
  readonly metadata: TableMetadata;
}

/** Work that must happen in the transaction of a catalog change, such as moving the states of its pipelines. */
export type Within = (tx: StoreTransaction) => Promise<void>;
const NOTHING: Within = () => Promise.resolve();

/** Tables by name. Names are `namespace.table`; without a namespace `main`. */
export interface Catalog {
  listNamespaces(): Promise<readonly string[]>;
  /** Tables of all engines that share the catalog; another engine's views have `icebergType` VIEW. */
  listTables(namespace?: string): Promise<readonly TablePointer[]>;
  /** The table, or undefined. */
  findTable(name: string): Promise<LoadedTable | undefined>;
  /** The table, or ConfigError TABLE_MISSING that suggests the nearest name. */
  loadTable(name: string): Promise<LoadedTable>;
  /**
   * Takes a table and its rejects table out of the catalog; files stay for `undropTable`. `within` runs in the same transaction.
   */
  dropTable(name: string, within?: Within): Promise<DroppedTable>;
  /** Restores the newest dropped table of that name. Errors: TABLE_EXISTS, TABLE_NOT_DROPPED. */
  undropTable(name: string, within?: (tx: StoreTransaction, table: DroppedTable) => Promise<void>): Promise<DroppedTable>;
  /** Gives a table (and its rejects table) a new name; UUID and states stay. */
  renameTable(from: string, to: string, within?: Within): Promise<void>;
  /** Exchanges what two names mean, in one step; their states must follow the names, which is `within`'s work. */
  swapTables(a: string, b: string, within?: (tx: StoreTransaction, a: LoadedTable, b: LoadedTable) => Promise<void>): Promise<void>;
}

export function createCatalog(metastore: Metastore, reader: TableReader): Catalog {
  const store = metastore.catalog;

  const findTable = async (text: string): Promise<LoadedTable | undefined> => {
    const name = splitTableName(text);
    const pointer = await store.getTable(name.namespace, name.name);
    if (!pointer) return undefined;
    return { name, metadataLocation: pointer.metadataLocation, metadata: await reader.metadata(pointer.metadataLocation) };
  };

  const loadTable = async (text: string): Promise<LoadedTable> => {
    const found = await findTable(text);
    if (found) return found;
    const all = (await store.listTables()).map((t) => formatTableName(t));
    const near = nearest(formatTableName(splitTableName(text)), all);
    throw new ConfigError({
      code: 'TABLE_MISSING',
      message: `there is no table ${formatTableName(splitTableName(text))}`,
      hint: near === undefined ? '`sluice tables` lists all tables; `sluice undrop` brings back a dropped one' : `did you mean ${near}?`,
    });
  };

  const drop = async (tx: StoreTransaction, table: LoadedTable): Promise<DroppedTable> => {
    if (!(await store.deleteTable(tx, table.name.namespace, table.name.name, table.metadataLocation))) throw changedMeanwhile(table.name);
    const dropped = {
      tableUuid: table.metadata['table-uuid'],
      ...table.name,
      metadataLocation: table.metadataLocation,
      droppedAt: await metastore.now(),
    };
    await store.recordDropped(tx, dropped);
    return dropped;
  };

  return {
    listNamespaces: () => store.listNamespaces(),
    listTables: (namespace) => store.listTables(namespace),
    findTable,
    loadTable,

    async dropTable(text, within = NOTHING) {
      const table = await loadTable(text);
      const rejects = await findTable(formatTableName(rejectsNameOf(table.name)));
      return metastore.transaction(async (tx) => {
        const dropped = await drop(tx, table);
        if (rejects) await drop(tx, rejects);
        await within(tx);
        return dropped;
      });
    },

    async undropTable(text, within = () => Promise.resolve()) {
      const name = splitTableName(text);
      const all = await store.listDropped();
      const newest = (wanted: TableName): DroppedTable | undefined =>
        all.filter((d) => d.namespace === wanted.namespace && d.name === wanted.name).sort((a, b) => b.droppedAt - a.droppedAt)[0];
      const table = newest(name);
      if (!table) throw notDropped(name, nearest(formatTableName(name), all.map(formatTableName)));
      const rejects = newest(rejectsNameOf(name));
      const restored = rejects && rejects.droppedAt >= table.droppedAt ? [table, rejects] : [table];
      return metastore.transaction(async (tx) => {
        for (const each of restored) {
          if (!(await store.insertTable(tx, each.namespace, each.name, each.metadataLocation))) throw nameTaken(each);
          // Upkeep may have given the table up since it was listed; then its files are garbage.
          if (!(await store.forgetDropped(tx, each.tableUuid))) throw notDropped(each);
        }
        await within(tx, table);
        return table;
      });
    },

    async renameTable(from, to, within = NOTHING) {
      const table = await loadTable(from);
      const target = splitTableName(to);
      const rejects = await findTable(formatTableName(rejectsNameOf(table.name)));
      await metastore.transaction(async (tx) => {
        await store.createNamespace(tx, target.namespace);
        if (!(await store.renameTable(tx, table.name, target))) throw nameTaken(target);
        if (rejects && !(await store.renameTable(tx, rejects.name, rejectsNameOf(target)))) throw nameTaken(rejectsNameOf(target));
        await within(tx);
      });
    },

    async swapTables(a, b, within = () => Promise.resolve()) {
      const [one, two] = [await loadTable(a), await loadTable(b)];
      const rejects = [await findTable(formatTableName(rejectsNameOf(one.name))), await findTable(formatTableName(rejectsNameOf(two.name)))] as const;
      await metastore.transaction(async (tx) => {
        await exchange(tx, one, two);
        await exchangeRejects(tx, rejects, one.name, two.name);
        await within(tx, one, two);
      });
    },
  };

  async function exchange(tx: StoreTransaction, one: LoadedTable, two: LoadedTable): Promise<void> {
    if (!(await store.swapTable(tx, one.name.namespace, one.name.name, one.metadataLocation, two.metadataLocation))) throw changedMeanwhile(one.name);
    if (!(await store.swapTable(tx, two.name.namespace, two.name.name, two.metadataLocation, one.metadataLocation))) throw changedMeanwhile(two.name);
  }

  async function exchangeRejects(
    tx: StoreTransaction,
    [one, two]: readonly [LoadedTable | undefined, LoadedTable | undefined],
    a: TableName,
    b: TableName,
  ): Promise<void> {
    if (one && two) await exchange(tx, one, two);
    else if (one && !(await store.renameTable(tx, one.name, rejectsNameOf(b)))) throw changedMeanwhile(one.name);
    else if (two && !(await store.renameTable(tx, two.name, rejectsNameOf(a)))) throw changedMeanwhile(two.name);
  }
}

function changedMeanwhile(name: TableName): ConflictError {
  return new ConflictError({
    code: 'TABLE_CHANGED',
    message: `${formatTableName(name)} was changed by another commit meanwhile`,
    hint: 'repeat the command',
  });
}

function notDropped(name: TableName, near?: string): ConfigError {
  return new ConfigError({
    code: 'TABLE_NOT_DROPPED',
    message: `there is no dropped table ${formatTableName(name)}`,
    hint: near === undefined ? 'files of a dropped table are kept for 5 days' : `did you mean ${near}?`,
  });
}

export function nameTaken(name: TableName): ConfigError {
  return new ConfigError({
    code: 'TABLE_EXISTS',
    message: `the name ${formatTableName(name)} is taken by another table or view`,
    hint: 'choose another name, or drop or rename what has it (`sluice tables` lists all)',
  });
}

/** The known name with the smallest edit distance, when it is small. */
export function nearest(wanted: string, known: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(wanted, name);
    if (distance <= Math.max(2, wanted.length / 4) && (!best || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1])));
    row = next;
  }
  return row[b.length] ?? 0;
}
