import type { Logger } from '../../core/spi/index.js';
import type { CommitTools } from '../write/commit-changes.js';
import type { SnapshotRetention } from '../write/expire-snapshots.js';
import type { SqlDoor } from '../query/sql-door.js';

const DAY = 86_400_000;

/** A project's settings for upkeep (`maintain:` in sluice.yml); a table's own properties go first. */
export interface MaintainSettings {
  /** Compact after commits. */
  readonly automatic: boolean;
  readonly snapshotDays: number;
  readonly minSnapshots: number;
  readonly maxSnapshots: number;
}

export function retentionOfSettings(settings: MaintainSettings): SnapshotRetention {
  return { maxAge: settings.snapshotDays * DAY, atLeast: settings.minSnapshots, atMost: settings.maxSnapshots };
}

/** What upkeep needs of a warehouse. */
export interface MaintainTools extends CommitTools {
  readonly retention: SnapshotRetention;
  readonly log: Logger;
}

/** For upkeep that changes rows. */
export interface MaintainSqlTools extends MaintainTools {
  readonly sql: Pick<SqlDoor, 'execute' | 'explain'>;
}
