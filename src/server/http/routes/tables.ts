import { SluiceError, type JsonObject } from '../../../core/spi/index.js';
import type { TablePointer, ViewRecord } from '../../../metastore/types.js';
import {
  currentSnapshot,
  describeTable,
  formatTableName,
  mayAccess,
  partitionTexts,
  sizeOf,
  splitTableName,
  type TableFacts,
} from '../../../warehouse/index.js';
import { notFound } from '../problem.js';
import type { Call, Route } from '../route.js';
import { count, free, limit, list, name, object, orNull, text } from '../schemas.js';

const ENTRY = {
  name: text('`database.table`.'),
  kind: text('`table`, `view`, or `foreign view` of another engine.'),
  comment: orNull(text('What its makers say of it.')),
};

export const TABLE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/tables',
    name: 'listTables',
    tag: 'tables',
    summary: 'List tables and views that the key may read.',
    scope: 'read',
    query: { type: 'object', additionalProperties: false, properties: { database: name('Only this database.', 128) } },
    answer: {
      status: 200,
      description: 'Tables and views by name.',
      schema: object({
        tables: list(
          object(
            {
              ...ENTRY,
              rows: count('Now.'),
              bytes: count('Of its data files.'),
              files: count('Data files.'),
              partitioned_by: list(text('Such as day(time).'), 'Partition fields.'),
              last_commit: orNull(text('ISO 8601.')),
              problem: text('Why its figures are missing.'),
            },
            ['rows', 'bytes', 'files', 'partitioned_by', 'last_commit', 'problem', 'comment'],
          ),
          'Tables and views.',
        ),
      }),
    },
    async handle(call) {
      const { catalog } = call.services.store;
      const database = call.query['database'];
      const wanted = (one: { readonly namespace: string; readonly name: string }): boolean =>
        mayAccess(call.access, one.namespace, one.name) && (database === undefined || one.namespace === database);
      const tables = (await catalog.listTables()).filter(wanted);
      const views = (await catalog.listViews()).filter(wanted);
      const facts = views.map(viewEntry);
      for (const pointer of tables) facts.push(await tableEntry(call, pointer));
      return { json: { tables: facts.sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1)) } };
    },
  },
  {
    method: 'GET',
    path: '/api/v1/tables/{name}',
    name: 'getTable',
    tag: 'tables',
    summary: 'Show a table or view: columns, partitions, size, newest snapshots.',
    scope: 'read',
    params: { type: 'object', additionalProperties: false, required: ['name'], properties: { name: name('`database.table`.', 257) } },
    query: { type: 'object', additionalProperties: false, properties: { snapshots: limit(1000, 10) } },
    answer: {
      status: 200,
      description: 'The table.',
      schema: object(
        {
          ...ENTRY,
          sql: text('Of a view.'),
          uuid: text('Stays when the table is renamed.'),
          columns: list(
            object({
              name: text(''),
              type: text('As in configs: long, decimal(12,2), timestamp, …; the Iceberg type where Sluice has none.'),
              iceberg_type: text(''),
              required: { type: 'boolean' },
              comment: orNull(text('')),
            }),
            'Columns in their order.',
          ),
          partitioned_by: list(text(''), 'Partition fields.'),
          rows: count(''),
          bytes: count(''),
          files: count(''),
          partitions: count(''),
          current_snapshot: orNull(text('')),
          snapshots: list(free('A snapshot.'), 'Newest first.'),
        },
        ['sql', 'uuid', 'columns', 'partitioned_by', 'rows', 'bytes', 'files', 'partitions', 'current_snapshot', 'snapshots', 'comment'],
      ),
    },
    async handle(call) {
      const { store, warehouse } = call.services;
      const wanted = splitTableName(call.params['name'] ?? '');
      const label = formatTableName(wanted);
      const missing = notFound(`table or view ${label}`, 'GET /api/v1/tables lists those that this key may read');
      if (!mayAccess(call.access, wanted.namespace, wanted.name)) throw missing;
      const view = await store.catalog.getView(wanted.namespace, wanted.name);
      if (view) return { json: { ...viewEntry(view), sql: view.sql } };
      const pointer = await store.catalog.getTable(wanted.namespace, wanted.name);
      if (!pointer) throw missing;
      if (pointer.icebergType === 'VIEW') return { json: await tableEntry(call, pointer) };
      const metadata = await warehouse.reader.metadata(pointer.metadataLocation);
      const table = { name: wanted, metadata, metadataLocation: pointer.metadataLocation };
      return { json: { kind: 'table', ...withoutPlaces(await describeTable(warehouse.reader, table, Number(call.query['snapshots']))) } };
    },
  },
];

async function tableEntry({ services }: Call, pointer: TablePointer): Promise<JsonObject> {
  const label = formatTableName(pointer);
  if (pointer.icebergType === 'VIEW') return { name: label, kind: 'foreign view', comment: null };
  try {
    const { reader } = services.warehouse;
    const table = await reader.metadata(pointer.metadataLocation);
    const snapshot = currentSnapshot(table);
    return {
      name: label,
      kind: 'table',
      comment: table.properties['comment'] ?? null,
      ...(await sizeOf(reader, table)),
      partitioned_by: [...partitionTexts(table)],
      last_commit: snapshot ? new Date(snapshot['timestamp-ms']).toISOString() : null,
    };
  } catch (error) {
    // One damaged table must not hide the others.
    if (!(error instanceof SluiceError)) throw error;
    services.log.log('warn', 'a table could not be described', { table: label, code: error.code });
    return { name: label, kind: 'table', problem: error.code };
  }
}

/** Where its files are is no business of clients. */
function withoutPlaces(facts: TableFacts): Omit<TableFacts, (typeof PLACES)[number]> {
  return Object.fromEntries(Object.entries(facts).filter(([key]) => !PLACES.some((place) => place === key))) as unknown as TableFacts;
}

const PLACES = ['location', 'metadata_location', 'properties'] as const;

function viewEntry(view: ViewRecord): JsonObject {
  return { name: formatTableName(view), kind: 'view', comment: view.comment };
}
