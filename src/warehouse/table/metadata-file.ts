import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { ConfigError } from '../../core/spi/index.js';
import type { Storage } from '../storage/storage.js';
import { damaged } from './damaged.js';
import { formatMetadataJson, parseMetadataJson } from './metadata-json.js';
import type { TableMetadata } from './model.js';

/** Reads a metadata.json, plain or gzipped (`….gz.metadata.json`, `….metadata.json.gz`). Errors: METADATA_DAMAGED, FORMAT_VERSION. */
export async function readTableMetadata(storage: Storage, location: string): Promise<TableMetadata> {
  const bytes = await storage.read(location);
  const table = parse(location, bytes);
  const version = table['format-version'];
  if (version !== 1 && version !== 2) {
    throw new ConfigError({
      code: 'FORMAT_VERSION',
      message: `${location}: expected an Iceberg table of format version 1 or 2, found ${version}`,
      hint: 'rewrite the table as version 2 with the engine that made it',
    });
  }
  return table;
}

function parse(location: string, bytes: Uint8Array): TableMetadata {
  try {
    const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const table = parseMetadataJson(Buffer.from(gzipped ? gunzipSync(bytes) : bytes).toString('utf8'));
    if (typeof table.location === 'string' && Array.isArray(table.schemas) && Array.isArray(table['partition-specs']))
      return { ...table, location: table.location.replace(/\/+$/, '') };
  } catch (error) {
    throw damaged(location, 'table metadata in JSON', error instanceof Error ? error.message : String(error), error);
  }
  throw damaged(location, 'table metadata in JSON', 'location, schemas or partition-specs are missing');
}

/** A new name for the metadata that follows `previous`: `00012-<uuid>.metadata.json`, as other engines write it. */
export function nextMetadataLocation(table: TableMetadata, previous: string | undefined): string {
  const version = previous === undefined ? -1 : Number(/(\d+)-[^/]*$/.exec(previous)?.[1] ?? -1);
  return `${table.location}/metadata/${String(version + 1).padStart(5, '0')}-${randomUUID()}.metadata.json`;
}

/** Stores metadata durably under `location` (a new name). */
export async function writeTableMetadata(storage: Storage, location: string, table: TableMetadata): Promise<void> {
  await storage.write(location, Buffer.from(formatMetadataJson(table)));
}
