import { ConfigError } from '../../core/spi/index.js';
import { currentSchema, defaultSpec, type TableMetadata } from '../table/model.js';
import { parseTransform } from '../table/transforms.js';
import { duckTypeOf } from '../table/types.js';
import type { WritePlan } from './write-plan.js';

/**
 * The plan for writing rows with all columns that a table has now, laid out by its present partitioning: rows that move to
 * other files. Errors: ConfigError PARTITION_UNKNOWN.
 */
export function planWholeRows(table: string, metadata: TableMetadata): WritePlan {
  const { fields } = currentSchema(metadata);
  const partition = defaultSpec(metadata).fields;
  const unknown = partition.find((f) => parseTransform(f.transform).kind === 'unknown');
  if (unknown)
    throw new ConfigError({
      code: 'PARTITION_UNKNOWN',
      message: `${table}: it is partitioned by ${unknown.transform}, which this version cannot compute`,
      hint: 'write to it with the engine that made it',
    });
  return {
    table,
    tableUuid: metadata['table-uuid'],
    isNew: false,
    location: metadata.location,
    mode: 'append',
    columns: fields.map((f) => ({
      source: f.name,
      id: f.id,
      name: f.name,
      type: typeof f.type === 'string' ? f.type : f.type.type,
      duckType: duckTypeOf(f.type),
    })),
    fields,
    partition,
    schemaChanges: [],
    notes: [],
    properties: {},
  };
}
