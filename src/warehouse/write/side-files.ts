import { randomUUID } from 'node:crypto';
import { ConflictError, type Clock, type StoreTransaction } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { Workshop } from '../query/sql-parts.js';
import type { Storage } from '../storage/storage.js';
import { stageFiles } from './stage-files.js';
import { stagedFilesOf, type StagedFile } from './staged-file.js';
import type { WritePlan } from './write-plan.js';

/** When files of a commit that never happened are deleted. */
const ABANDONED = 72 * 3_600_000;

export interface SideTools {
  readonly metastore: Metastore;
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * Files that a commit itself writes: rows that move because others of their file went. Until the commit they count as garbage
 * to come, so that a crash at any point leaves none behind.
 */
export class SideFiles {
  readonly #tools: SideTools;
  readonly #recorded = new Set<string>();
  readonly #dropped = new Set<string>();

  constructor(tools: SideTools) {
    this.#tools = tools;
  }

  async stage(plan: WritePlan, select: string, shop: Workshop, tx: StoreTransaction | undefined): Promise<readonly StagedFile[]> {
    const { storage } = this.#tools;
    const report = await stageFiles(storage, plan, { select, statusColumn: '__status' }, shop.sql, {
      stagingId: `rest-${randomUUID()}`,
      record: (paths) => this.#record(paths, tx),
      reach: () => undefined,
    });
    return stagedFilesOf(report.staged);
  }

  drop(files: readonly StagedFile[]): void {
    for (const { path } of files) this.#dropped.add(path);
  }

  /** In the commit's transaction: these files are in use. */
  async keep(tx: StoreTransaction, files: readonly StagedFile[]): Promise<void> {
    if (files.length === 0) return;
    const kept = await this.#tools.metastore.catalog.forgetGarbage(
      files.map((f) => f.path),
      tx,
    );
    if (kept === files.length) return;
    throw new ConflictError({
      code: 'TABLE_CHANGED',
      message: `the commit took more than ${ABANDONED / 3_600_000} hours and its files were removed meanwhile`,
      hint: 'run it again',
    });
  }

  /** After the commit: deletes what it did not use; after a failure before its transaction: everything. */
  async clean(which: 'dropped' | 'all'): Promise<void> {
    const paths = which === 'all' ? [...this.#recorded] : [...this.#recorded].filter((path) => this.#dropped.has(path) || path.endsWith('/'));
    if (paths.length === 0) return;
    for (const folder of paths.filter((p) => p.endsWith('/'))) await this.#tools.storage.deleteFolder(folder.slice(0, -1));
    await this.#tools.storage.delete(paths.filter((p) => !p.endsWith('/')));
    await this.#tools.metastore.catalog.forgetGarbage(paths);
  }

  async #record(paths: readonly string[], tx: StoreTransaction | undefined): Promise<void> {
    const { metastore, clock } = this.#tools;
    const names = paths.map((path) => (path.endsWith('.parquet') ? path : `${path}/`));
    const due = clock.now() + ABANDONED;
    await (tx ? metastore.catalog.recordGarbage(tx, names, due) : metastore.transaction((own) => metastore.catalog.recordGarbage(own, names, due)));
    for (const name of names) this.#recorded.add(name);
  }
}
