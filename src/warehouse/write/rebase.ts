import { ConflictError, type JsonObject } from '../../core/spi/index.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { currentSchema, defaultSpec, type NestedField, type TableMetadata } from '../table/model.js';
import { newTableMetadata, samePartition, withFields, withPartition } from '../table/table-changes.js';
import { planPartition } from './stage-files.js';
import type { StagedFile } from './staged-file.js';
import type { WritePlan } from './write-plan.js';

export function factsOf(files: readonly StagedFile[], table: TableMetadata): JsonObject {
  return {
    rows: files.reduce((sum, f) => sum + f.rows, 0),
    files: files.length,
    bytes: files.reduce((sum, f) => sum + f.bytes, 0),
    schemaId: table['current-schema-id'],
  };
}

function newTable(plan: WritePlan, now: number): TableMetadata {
  return newTableMetadata({
    uuid: plan.tableUuid,
    location: plan.location,
    fields: plan.fields,
    partition: plan.partition,
    properties: plan.properties,
    now,
  });
}

/** The table that a write builds on: what it is now with the plan's changes, or a new one. Errors: ConflictError TABLE_CHANGED. */
export function baseOf(base: LoadedTable | undefined, plan: WritePlan, now: number): TableMetadata {
  if (base) return rebase(base, plan);
  // Made anew it would be a second table with the UUID and the folder of the one that was dropped or has another name now.
  if (!plan.isNew) throw changed(plan, 'it was dropped or renamed');
  return newTable(plan, now);
}

/** The plan's schema and partitioning on what the table has become since. Files hold the plan's field ids, so those decide. */
function rebase(base: LoadedTable, plan: WritePlan): TableMetadata {
  const { metadata } = base;
  if (metadata['table-uuid'] !== plan.tableUuid && !plan.isNew) throw changed(plan, 'the name now means another table');
  const withSchema = plan.mode === 'replace' ? replaceFields(metadata, plan) : mergeFields(metadata, plan);
  const specNow = defaultSpec(withSchema).fields;
  if (plan.mode !== 'replace' && !samePartition(specNow, plan.partition)) throw changed(plan, 'its partitioning was changed');
  const table = plan.mode === 'replace' ? withPartition(withSchema, plan.partition) : withSchema;
  if (plan.mode === 'replace') checkPartitionIds(metadata, plan);
  const properties = { ...table.properties, ...plan.properties };
  const same = Object.entries(plan.properties).every(([key, value]) => table.properties[key] === value);
  return same ? table : { ...table, properties };
}

/** Adds the plan's new fields and wider types; fields that others added meanwhile stay. */
function mergeFields(metadata: TableMetadata, plan: WritePlan): TableMetadata {
  const current = currentSchema(metadata).fields;
  const written = new Set(plan.columns.map((c) => c.id));
  const known = new Map(current.map((f) => [f.id, f]));
  const fields = current.map((field) => {
    const planned = plan.fields.find((f) => f.id === field.id);
    if (!planned || !written.has(field.id) || sameType(field, planned)) return field;
    if (wider(field.type, planned.type)) return { ...field, type: planned.type };
    if (wider(planned.type, field.type)) return field;
    throw changed(plan, `the column ${field.name} has become ${String(field.type)}`);
  });
  for (const planned of plan.fields) {
    const now = known.get(planned.id);
    if (now && written.has(planned.id) && now.name !== planned.name && !wasRenamed(metadata, planned))
      throw changed(plan, `the column ${now.name} took the place of ${planned.name}`);
    if (now || !written.has(planned.id)) continue;
    if (planned.id <= metadata['last-column-id']) throw changed(plan, `the column ${planned.name} was dropped or made by another load`);
    if (current.some((f) => f.name.toLowerCase() === planned.name.toLowerCase())) throw changed(plan, `a column ${planned.name} was added`);
    fields.push(planned);
  }
  return withFields(metadata, fields);
}

function replaceFields(metadata: TableMetadata, plan: WritePlan): TableMetadata {
  for (const planned of plan.fields) {
    const known = metadata.schemas.flatMap((s) => s.fields).filter((f) => f.id === planned.id);
    const fits =
      known.length === 0
        ? planned.id > metadata['last-column-id']
        : known.some((f) => f.name === planned.name && (sameType(f, planned) || wider(f.type, planned.type)));
    if (!fits) throw changed(plan, `the id of the column ${planned.name} was taken`);
  }
  return withFields(metadata, plan.fields);
}

function checkPartitionIds(metadata: TableMetadata, plan: WritePlan): void {
  const known = metadata['partition-specs'].flatMap((s) => s.fields);
  for (const field of planPartition(plan)) {
    const taken = known.find((k) => k['field-id'] === field['field-id']);
    if (taken && (taken['source-id'] !== field['source-id'] || taken.transform !== field.transform))
      throw changed(plan, 'its partitioning was changed');
  }
}

/** Whether the plan's name for a field was the table's at some time: a rename keeps the id. */
function wasRenamed(metadata: TableMetadata, planned: NestedField): boolean {
  return metadata.schemas.some((s) => s.fields.some((f) => f.id === planned.id && f.name === planned.name));
}

function sameType(a: NestedField, b: NestedField): boolean {
  return JSON.stringify(a.type) === JSON.stringify(b.type);
}

/** Whether `to` can hold every value of `from` by Iceberg's promotions. */
function wider(from: NestedField['type'], to: NestedField['type']): boolean {
  if (typeof from !== 'string' || typeof to !== 'string') return false;
  if (from === 'int' && to === 'long') return true;
  if (from === 'float' && to === 'double') return true;
  const [a, b] = [from, to].map((t) => /^decimal\((\d+), ?(\d+)\)$/.exec(t));
  return !!a && !!b && a[2] === b[2] && Number(a[1]) <= Number(b[1]);
}

function changed(plan: WritePlan, what: string): ConflictError {
  return new ConflictError({
    code: 'TABLE_CHANGED',
    message: `${plan.table}: the table changed between plan and commit: ${what}`,
    hint: 'run it again; the new plan takes the change in',
  });
}
