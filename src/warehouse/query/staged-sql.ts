import type { CommitTools } from '../write/commit-changes.js';
import type { StagedWrite } from '../write/commit-writes.js';
import { previewWrites, type PreviewOptions } from '../write/preview-writes.js';
import { overlayTables } from './overlay.js';
import { openQueryEngine } from './query-engine.js';
import type { QueryOptions } from './query-options.js';
import type { SqlDefaults, SqlDoor } from './sql-door.js';

/** The reading half of SQL. */
export type StagedSql = Pick<SqlDoor, 'query' | 'explain' | 'writeFile'>;

/** SELECTs over the tables as they would be after the commit of staged writes. Results must be read before `use` ends. */
export function queryStaged<T>(
  tools: CommitTools,
  writes: readonly StagedWrite[],
  options: PreviewOptions,
  defaults: SqlDefaults,
  use: (sql: StagedSql) => Promise<T>,
): Promise<T> {
  return previewWrites(tools, writes, options, async (tables) => {
    const source = { catalog: tools.metastore.catalog, reader: tools.reader, storage: tools.storage };
    const engine = openQueryEngine(overlayTables(source, tables), defaults);
    const timed = (given: QueryOptions = {}): QueryOptions => ({ scheduledTime: tools.clock.now(), ...given });
    try {
      return await use({
        query: (sql, given) => engine.query(sql, timed(given)),
        explain: (sql, given) => engine.explain(sql, timed(given)),
        writeFile: (sql, target, given) => engine.writeFile(sql, target, timed(given)),
      });
    } finally {
      await engine.close();
    }
  });
}
