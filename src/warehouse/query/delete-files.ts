import { ConfigError } from '../../core/spi/index.js';
import { EQUALITY_DELETES, type DataFile, type ManifestEntry, type Value } from '../table/model.js';

/** Field id of `file_path` in position delete files. */
const DELETED_PATH = 2147483546;

/** Which delete files may touch a data file (spec, "Scan Planning"). */
export interface DeleteIndex {
  of(data: ManifestEntry): readonly ManifestEntry[];
}

/**
 * Indexes live delete files by the one data file they name (Trino writes one for each), else by partition, since tables
 * may have thousands of both.
 */
export function indexDeletes(deletes: readonly ManifestEntry[]): DeleteIndex {
  const byPath = new Map<string, ManifestEntry[]>();
  const byPartition = new Map<string, ManifestEntry[]>();
  const everywhere: ManifestEntry[] = [];
  const push = (map: Map<string, ManifestEntry[]>, key: string, entry: ManifestEntry): void => {
    const found = map.get(key);
    if (found) found.push(entry);
    else map.set(key, [entry]);
  };
  for (const entry of deletes) {
    const path = onlyPath(entry.file);
    if (path !== undefined) push(byPath, path, entry);
    else if (entry.file.content === EQUALITY_DELETES && entry.file.partition.size === 0) everywhere.push(entry);
    else push(byPartition, partitionKey(entry.file), entry);
  }
  if (deletes.length === 0) return { of: () => [] };
  return {
    of({ file, sequenceNumber }) {
      const near = [...(byPath.get(file.path) ?? []), ...(byPartition.get(partitionKey(file)) ?? []), ...everywhere];
      // An equality delete does not apply to rows of its own commit.
      return near.filter((d) =>
        d.file.content === EQUALITY_DELETES ? d.sequenceNumber > sequenceNumber : d.sequenceNumber >= sequenceNumber && mayName(d.file, file.path),
      );
    },
  };
}

/** The path that both bounds of `file_path` agree on. */
function onlyPath(file: DataFile): string | undefined {
  if (file.content === EQUALITY_DELETES) return undefined;
  const lower = file.lowerBounds?.get(DELETED_PATH);
  const upper = file.upperBounds?.get(DELETED_PATH);
  return lower && upper && Buffer.compare(lower, upper) === 0 ? Buffer.from(lower).toString('utf8') : undefined;
}

function mayName(deletes: DataFile, path: string): boolean {
  const bytes = Buffer.from(path);
  const lower = deletes.lowerBounds?.get(DELETED_PATH);
  const upper = deletes.upperBounds?.get(DELETED_PATH);
  return (!lower || Buffer.compare(lower, bytes) <= 0) && (!upper || Buffer.compare(upper, bytes) >= 0);
}

/** One text for each partition of each spec. */
export function partitionKey(file: Pick<DataFile, 'specId' | 'partition'>): string {
  const values = [...file.partition].sort(([a], [b]) => a - b).map(([, value]) => valueText(value));
  return JSON.stringify([file.specId, values]);
}

function valueText(value: Value | null): string | null {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  // Foreign tables may be partitioned by a float, whose two zeros are two partitions.
  return value === null ? null : Object.is(value, -0) ? '-0' : String(value);
}

/** The delete files that some of the data files need, in their order. Throws ConfigError EQUALITY_DELETES. */
export function neededDeletes(data: readonly ManifestEntry[], deletes: readonly ManifestEntry[]): readonly ManifestEntry[] {
  const index = indexDeletes(deletes);
  const needed = new Set(data.flatMap((entry) => index.of(entry)));
  const equality = [...needed].find((d) => d.file.content === EQUALITY_DELETES);
  if (!equality) return deletes.filter((d) => needed.has(d));
  throw new ConfigError({
    code: 'EQUALITY_DELETES',
    message: `${equality.file.path}: the table has equality deletes, which this version does not read`,
    hint: 'compact the table with the engine that wrote them (Spark: rewrite_data_files with delete-file-threshold 1; Trino: ALTER TABLE … EXECUTE optimize)',
  });
}
