import { DataError } from '../../core/spi/index.js';
import { dirname, relative, sep } from 'node:path';

export type PartitionValues = { readonly [column: string]: string | null };

const NULL_NAME = '__HIVE_DEFAULT_PARTITION__';

/** `country=jp/day=2024-01-01/x.csv` below `base` as `{country: 'jp', day: '2024-01-01'}`; undefined without such folders. */
export function readPartition(path: string, base: string): PartitionValues | undefined {
  const values: [string, string | null][] = [];
  for (const folder of relative(base, dirname(path)).split(sep)) {
    const equals = folder.indexOf('=');
    if (equals <= 0) continue;
    const value = folder.slice(equals + 1);
    values.push([decode(folder.slice(0, equals), path), value === NULL_NAME ? null : decode(value, path)]);
  }
  return values.length === 0 ? undefined : Object.fromEntries(values);
}

function decode(text: string, path: string): string {
  if (!text.includes('%')) return text;
  const decoded = decodePercents(text);
  // A NUL cannot stand in a path either: nobody wrote such a folder for its value.
  if (decoded !== undefined && !decoded.includes('\0')) return decoded;
  throw new DataError({
    code: 'BAD_PARTITION_FOLDER',
    message: `${path}: expected a percent-encoded folder name, found "${text}"`,
    hint: 'rename the folder, or set hive_partitioning: false',
    where: { file: path },
  });
}

function decodePercents(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
