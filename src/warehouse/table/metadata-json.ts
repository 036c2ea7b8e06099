import type { Snapshot, SnapshotRef, TableMetadata } from './model.js';

/**
 * metadata.json as text. Snapshot ids have 63 bits and lose their last digits as JSON numbers, so long integers pass the
 * parser as marked strings.
 */
const MARK = '\u0001bigint:';

/** The marks of texts that already are one, and of numbers that a double cannot hold. */
const LONG_INTEGERS = /"(?:[^"\\]|\\.)*"|-?\b\d{16,}\b(?![.eE])/g;

export function parseMetadataJson(text: string): TableMetadata {
  const marked = text.replace(LONG_INTEGERS, (token) => (token.startsWith('"') ? token : `"\\u0001bigint:${token}"`));
  const raw = JSON.parse(marked) as TableMetadata;
  const snapshots = (raw.snapshots as readonly Snapshot[] | undefined) ?? [];
  const current = (raw['current-snapshot-id'] as unknown) ?? -1;
  return {
    ...raw,
    'current-snapshot-id': toId(current),
    properties: (raw.properties as TableMetadata['properties'] | undefined) ?? {},
    refs: Object.fromEntries(
      Object.entries((raw.refs as TableMetadata['refs'] | undefined) ?? {}).map(([name, ref]) => [
        name,
        { ...ref, 'snapshot-id': toId(ref['snapshot-id']) } satisfies SnapshotRef,
      ]),
    ),
    snapshots: snapshots.map(parseSnapshot),
    'snapshot-log': ((raw['snapshot-log'] as TableMetadata['snapshot-log'] | undefined) ?? []).map((entry) => ({
      ...entry,
      'snapshot-id': toId(entry['snapshot-id']),
    })),
    'metadata-log': (raw['metadata-log'] as TableMetadata['metadata-log'] | undefined) ?? [],
  };
}

function parseSnapshot(raw: Snapshot): Snapshot {
  const parent = raw['parent-snapshot-id'] as unknown;
  const { 'parent-snapshot-id': _parent, ...rest } = raw;
  return {
    ...rest,
    'snapshot-id': toId(raw['snapshot-id']),
    ...(parent === undefined || parent === null ? {} : { 'parent-snapshot-id': toId(parent) }),
    'sequence-number': (raw['sequence-number'] as number | undefined) ?? 0,
    summary: (raw.summary as Snapshot['summary'] | undefined) ?? { operation: 'append' },
  };
}

function toId(value: unknown): bigint {
  if (typeof value === 'string' && value.startsWith(MARK)) return BigInt(value.slice(MARK.length));
  return BigInt(value as number);
}

/** Texts of objects that come back unchanged in the next version: most of a long-lived table's metadata. */
const texts = new WeakMap<object, string>();

export function formatMetadataJson(table: TableMetadata): string {
  const { snapshots, 'snapshot-log': log, ...rest } = table;
  const frame = formatPlain(rest);
  return `${frame.slice(0, -1)},"snapshots":[${snapshots.map(formatCached).join(',')}],"snapshot-log":[${log.map(formatCached).join(',')}]}`;
}

function formatCached(item: object): string {
  let text = texts.get(item);
  if (text === undefined) {
    text = formatPlain(item);
    texts.set(item, text);
  }
  return text;
}

function formatPlain(value: object): string {
  const marked = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${MARK}${item}` : item));
  return marked.replace(/"\\u0001bigint:(-?\d+)"/g, '$1');
}
