import { ConfigError, ownValue } from '../../core/spi/index.js';
import { schemaOfSnapshot, snapshotById, type Snapshot, type TableMetadata } from '../table/model.js';
import { isSign, isWord, type SqlToken } from './sql-tokens.js';
import type { TableVersion } from './query-catalog.js';
import type { Replacement } from './text-map.js';

/** Which state of a table a query asks for: a snapshot id, a tag or branch, or the newest at a time. */
export type VersionRequest =
  | { readonly kind: 'snapshot'; readonly id: bigint }
  | { readonly kind: 'ref'; readonly name: string }
  /** Text that DuckDB reads as TIMESTAMPTZ; without a zone it is UTC. */
  | { readonly kind: 'time'; readonly text: string };

export interface TravelledTable {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: VersionRequest;
}

const SCHEMA_PREFIX = '__at_';

/** The schema that stands for travelled table `index` in the rewritten text. */
export function travelSchema(index: number): string {
  return `${SCHEMA_PREFIX}${index}`;
}

/** The index of {@link travelSchema}, or undefined for any other schema. */
export function travelIndex(namespace: string | undefined): number | undefined {
  const m = /^__at_(\d+)$/.exec(namespace ?? '');
  return m ? Number(m[1]) : undefined;
}

/**
 * Finds Trino's `name FOR VERSION AS OF 123` and `name FOR TIMESTAMP AS OF TIMESTAMP '…'` and replaces each by a table of
 * the same name in a schema of its own, so that `name.column` keeps working.
 */
export function findTimeTravel(
  tokens: readonly SqlToken[],
  firstIndex: number,
): { readonly tables: TravelledTable[]; readonly replacements: Replacement[] } {
  const tables: TravelledTable[] = [];
  const replacements: Replacement[] = [];
  for (let i = 0; i + 4 < tokens.length; i++) {
    if (!isWord(tokens[i], 'FOR') || !isWord(tokens[i + 1], 'VERSION', 'TIMESTAMP') || !isWord(tokens[i + 2], 'AS') || !isWord(tokens[i + 3], 'OF'))
      continue;
    const name = nameBefore(tokens, i);
    const version = isWord(tokens[i + 1], 'VERSION') ? readVersion(tokens, i + 4) : readTimestamp(tokens, i + 4);
    if (!name || !version) continue;
    replacements.push({
      start: name.start,
      end: version.end,
      text: `"${travelSchema(firstIndex + tables.length)}"."${name.name.replaceAll('"', '""')}"`,
    });
    tables.push({ namespace: name.namespace, name: name.name, version: version.request });
  }
  return { tables, replacements };
}

function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

function nameBefore(tokens: readonly SqlToken[], end: number): { start: number; namespace: string | undefined; name: string } | undefined {
  const name = tokens[end - 1];
  if (!isName(name)) return undefined;
  const namespace = tokens[end - 3];
  if (isSign(tokens[end - 2], '.') && isName(namespace)) return { start: namespace.start, namespace: namespace.value, name: name.value };
  return { start: name.start, namespace: undefined, name: name.value };
}

function readVersion(tokens: readonly SqlToken[], at: number): { end: number; request: VersionRequest } | undefined {
  const token = tokens[at];
  if (token?.kind === 'number' && /^\d+$/.test(token.value)) return { end: token.end, request: { kind: 'snapshot', id: BigInt(token.value) } };
  return token?.kind === 'string' ? { end: token.end, request: { kind: 'ref', name: token.value } } : undefined;
}

function readTimestamp(tokens: readonly SqlToken[], at: number): { end: number; request: VersionRequest } | undefined {
  let i = at;
  if (isWord(tokens[i], 'TIMESTAMP', 'TIMESTAMPTZ', 'DATE')) i++;
  if (isWord(tokens[i], 'WITH') && isWord(tokens[i + 1], 'TIME') && isWord(tokens[i + 2], 'ZONE')) i += 3;
  const token = tokens[i];
  return token?.kind === 'string' ? { end: token.end, request: { kind: 'time', text: token.value } } : undefined;
}

/** A table's state by request. `millis` is the request's time. Throws ConfigError SNAPSHOT_NOT_FOUND. */
export function versionOf(name: string, table: TableMetadata, request: VersionRequest, millis: number | undefined): TableVersion {
  const snapshot = findSnapshot(table, request, millis);
  if (snapshot) return { table, snapshot, schema: schemaOfSnapshot(table, snapshot) };
  const oldest = table['snapshot-log'][0];
  const asked =
    request.kind === 'snapshot'
      ? `snapshot ${request.id}`
      : request.kind === 'ref'
        ? `tag or branch ${JSON.stringify(request.name)}`
        : `snapshot at or before ${request.text}`;
  throw new ConfigError({
    code: 'SNAPSHOT_NOT_FOUND',
    message: `${name}: expected a ${asked}, found none`,
    hint: oldest
      ? `the oldest kept snapshot is ${oldest['snapshot-id']} of ${new Date(oldest['timestamp-ms']).toISOString()}; see SELECT * FROM "${name.split('.')[0]}"."${name.split('.')[1]}$snapshots"`
      : 'the table has no snapshot yet',
  });
}

function findSnapshot(table: TableMetadata, request: VersionRequest, millis: number | undefined): Snapshot | undefined {
  switch (request.kind) {
    case 'snapshot':
      return snapshotById(table, request.id);
    case 'ref': {
      const ref = ownValue(table.refs, request.name);
      return ref && snapshotById(table, ref['snapshot-id']);
    }
    case 'time': {
      const entry = millis === undefined ? undefined : table['snapshot-log'].findLast((e) => e['timestamp-ms'] <= millis);
      return entry && snapshotById(table, entry['snapshot-id']);
    }
  }
}
