/** What `maintain` did, or with `dryRun` would do. Plain JSON; sizes in bytes. */
export interface MaintainReport {
  readonly dryRun: boolean;
  readonly tables: readonly TableUpkeep[];
  /** Dropped tables whose period is over: their files go for good. */
  readonly dropped: readonly DroppedUpkeep[];
  /** Failed, cancelled or dead runs of more than three days ago whose staged files go; the runs are discarded. */
  readonly runs: readonly RunUpkeep[];
  /** Recorded files without a reader that were due. */
  readonly garbageFiles: number;
}

export interface TableUpkeep {
  readonly table: string;
  /** With `sluice.expire-days`: rows before `before` (ISO) are deleted. */
  readonly retention?: { readonly column: string; readonly before: string; readonly rows: number };
  readonly compaction: CompactionUpkeep;
  readonly snapshotsExpired: number;
  /** Small manifests that were (or would be) folded into fewer. */
  readonly manifestsMerged: number;
  readonly orphans?: OrphanUpkeep;
  /** Why something was left alone. */
  readonly notes: readonly string[];
  /** Steps that failed; the others were done. */
  readonly problems: readonly Problem[];
}

export interface CompactionUpkeep {
  readonly filesBefore: number;
  /** In a dry run: how many at least. */
  readonly filesAfter: number;
  readonly bytesBefore: number;
  /** In a dry run: as before, since only writing them tells. */
  readonly bytesAfter: number;
  /** Rows that position deletes had hidden and that are gone now; unknown in a dry run. */
  readonly rowsFolded: number;
  readonly commits: number;
}

export const NO_COMPACTION: CompactionUpkeep = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0, rowsFolded: 0, commits: 0 };

/** Unrecorded files; `deleted` is false unless the removal was confirmed. `paths` names the first hundred. */
export interface OrphanUpkeep {
  readonly files: number;
  readonly bytes: number;
  readonly deleted: boolean;
  readonly paths: readonly string[];
}

export interface DroppedUpkeep {
  readonly table: string;
  readonly tableUuid: string;
  /** URI of the table's folder; files that nothing recorded stay there. */
  readonly location?: string;
  readonly files: number;
  readonly problem?: Problem;
}

export interface RunUpkeep {
  readonly runId: string;
  readonly table: string;
  readonly paths: number;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}
