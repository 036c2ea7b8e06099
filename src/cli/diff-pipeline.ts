import { createHash } from 'node:crypto';
import { ConfigError, type JsonObject, type JsonValue } from '../core/spi/index.js';
import type { Session } from './session.js';

/** Namespace of the tables that hold what was exported last. */
const NAMESPACE = 'sluice_exports';
const DELETE_COLUMN = '__deleted';

/**
 * An export as one of changes only: the query is compared with the rows of the last export, which a table of the warehouse holds;
 * target and table get the same changes, and the table's commit is the run's. Errors: ConfigError EXPORT_DIFF.
 */
export async function diffPipeline(pipeline: JsonObject, session: Session): Promise<JsonObject> {
  const out = pipeline['out'] as JsonObject;
  const keys = keysOf(out);
  const merges = ['merge', 'merge_direct', 'update'].includes(String(out['mode']));
  if (!merges || keys.length === 0)
    throw new ConfigError({
      code: 'EXPORT_DIFF',
      message: `sluice export --diff: the target needs mode=merge and keys, found ${merges ? 'no keys' : `mode=${String(out['mode'] ?? 'append')}`}`,
      hint: 'e.g. --to "postgresql://me@db.example.com/sales/orders?mode=merge&keys=id"',
    });
  const type = String(out['type'] ?? session.project.connections[String(out['connection'])]?.['type']);
  if ((await session.registry.get('output', type)).deletes !== true)
    throw new ConfigError({
      code: 'EXPORT_DIFF',
      message: `sluice export --diff: the output ${type} does not take deletions`,
      hint: 'export without --diff, or into a target that takes them',
    });
  const table = snapshotTable(String(pipeline['name']));
  const snapshot: JsonObject = { type: 'warehouse', table, mode: 'merge', merge_keys: keys, delete_column: DELETE_COLUMN };
  return {
    ...pipeline,
    in: { ...(pipeline['in'] as JsonObject), diff: { against: table, keys } },
    out: [{ ...out, delete_column: DELETE_COLUMN }, snapshot],
  };
}

function keysOf(out: JsonObject): readonly string[] {
  const given: JsonValue | undefined = out['keys'] ?? out['merge_keys'] ?? out['unique'];
  if (typeof given === 'string') return given.split(',').map((key) => key.trim());
  return Array.isArray(given) ? given.map(String) : [];
}

/** One table for each name of an export; the hash keeps apart what spells alike. */
function snapshotTable(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/^export:/, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
    .slice(0, 60);
  return `${NAMESPACE}.${slug}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
