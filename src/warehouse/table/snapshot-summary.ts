import type { Snapshot } from './model.js';

/** What a commit adds and removes, in files, rows and bytes. */
export interface SummaryDelta {
  readonly addedFiles: number;
  readonly addedRows: number;
  readonly addedBytes: number;
  readonly deletedFiles: number;
  readonly deletedRows: number;
  readonly deletedBytes: number;
  readonly changedPartitions: number;
  /** Delete files that go with this commit, by kind. */
  readonly removedDeleteFiles?: number;
  readonly removedPositionDeletes?: number;
  readonly removedEqualityDeletes?: number;
}

const TOTALS = [
  'total-records',
  'total-files-size',
  'total-data-files',
  'total-delete-files',
  'total-position-deletes',
  'total-equality-deletes',
] as const;

/**
 * A snapshot's summary. Totals go on from the parent's (also those of delete files); one that the parent does
 * not have is unknown and stays out, except on a table's first snapshot.
 */
export function snapshotSummary(
  operation: string,
  parent: Snapshot | undefined,
  delta: SummaryDelta,
  extra: { readonly [key: string]: string },
): Snapshot['summary'] {
  const before = (key: string): number | undefined => {
    if (!parent) return 0;
    const text = parent.summary[key];
    return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
  };
  const change: Readonly<Record<(typeof TOTALS)[number], number>> = {
    'total-records': delta.addedRows - delta.deletedRows,
    'total-files-size': delta.addedBytes - delta.deletedBytes,
    'total-data-files': delta.addedFiles - delta.deletedFiles,
    'total-delete-files': -(delta.removedDeleteFiles ?? 0),
    'total-position-deletes': -(delta.removedPositionDeletes ?? 0),
    'total-equality-deletes': -(delta.removedEqualityDeletes ?? 0),
  };
  const totals = TOTALS.flatMap((key): [string, string][] => {
    const value = before(key);
    return value === undefined || value + change[key] < 0 ? [] : [[key, String(value + change[key])]];
  });
  const counts: Readonly<Record<string, number>> = {
    'added-data-files': delta.addedFiles,
    'added-records': delta.addedRows,
    'added-files-size': delta.addedBytes,
    'deleted-data-files': delta.deletedFiles,
    'deleted-records': delta.deletedRows,
    'removed-files-size': delta.deletedBytes,
    'removed-delete-files': delta.removedDeleteFiles ?? 0,
    'changed-partition-count': delta.changedPartitions,
  };
  const nonZero = Object.entries(counts).flatMap(([key, value]): [string, string][] => (value === 0 ? [] : [[key, String(value)]]));
  return { operation, ...extra, ...Object.fromEntries([...nonZero, ...totals]) };
}
