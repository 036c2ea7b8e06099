import type { JsonObject } from '../../core/spi/index.js';
import { currentSchema, currentSnapshot, type IcebergType, type Snapshot } from '../../warehouse/table/model.js';
import { formatTableName, splitTableName, type LoadedTable, type Warehouse } from '../../warehouse/index.js';
import { text, type Command, type CommandContext } from '../command.js';
import { formatBytes, formatCount, formatTable, formatTime } from '../format.js';
import { describeState } from '../report.js';
import { withSession } from '../session.js';
import { countOption } from '../subcommand.js';
import { countFiles, dataEntries, partitionTexts } from '../table-facts.js';

export const command: Command = {
  name: 'show',
  usage: 'TABLE',
  summary: 'Show a table or view: columns, partitions, size, snapshots, properties, who loads into it.',
  options: { limit: { value: 'N', help: 'how many snapshots, newest first (default: 10)' } },
  examples: ['sluice show shop.orders', 'sluice show shop.orders --json'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [name = ''] = context.args;
      const warehouse = await session.warehouse();
      const { namespace, name: bare } = splitTableName(name);
      const view = await warehouse.metastore.catalog.getView(namespace, bare);
      if (view) {
        const facts = { name: formatTableName(view), kind: 'view', dialect: view.dialect, comment: view.comment, sql: view.sql };
        if (context.out.json) await context.out.printJson(facts);
        else await context.out.printLine(`${facts.name}, a view (${view.dialect})${view.comment === null ? '' : `\n${view.comment}`}\n\n${view.sql}`);
        return 0;
      }
      await showTable(context, warehouse, await warehouse.catalog.loadTable(name));
      return 0;
    }),
};

async function showTable(context: CommandContext, warehouse: Warehouse, loaded: LoadedTable): Promise<void> {
  const limit = countOption('show', 'limit', text(context.options, 'limit')) ?? 10;
  const facts = await describeTable(warehouse, loaded, limit);
  if (context.out.json) return context.out.printJson(facts);
  await context.out.printLine(formatFacts(facts, loaded.metadata.snapshots.length));
}

interface TableFacts {
  readonly name: string;
  readonly uuid: string;
  readonly location: string;
  readonly metadata_location: string;
  readonly comment: string | null;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly required: boolean; readonly comment: string | null }[];
  readonly partitioned_by: readonly string[];
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  readonly partitions: number;
  readonly current_snapshot: string | null;
  readonly snapshots: readonly JsonObject[];
  readonly properties: { readonly [key: string]: string };
  readonly states: readonly { readonly pipeline: string; readonly stream: string; readonly state: JsonObject[string] }[];
}

async function describeTable(warehouse: Warehouse, { name, metadata: table, metadataLocation }: LoadedTable, limit: number): Promise<TableFacts> {
  const current = currentSnapshot(table);
  const entries = current ? await dataEntries(warehouse, current) : [];
  const partitions = new Set(entries.map(({ file }) => `${file.specId} ${[...file.partition].map(([id, value]) => `${id}=${String(value)}`).join(',')}`));
  return {
    name: formatTableName(name),
    uuid: table['table-uuid'],
    location: table.location,
    metadata_location: metadataLocation,
    comment: table.properties['comment'] ?? null,
    columns: currentSchema(table).fields.map((field) => ({ name: field.name, type: formatType(field.type), required: field.required, comment: field.doc ?? null })),
    partitioned_by: partitionTexts(table),
    ...countFiles(entries),
    partitions: partitions.size,
    current_snapshot: current ? String(current['snapshot-id']) : null,
    snapshots: [...table.snapshots].sort((a, b) => b['timestamp-ms'] - a['timestamp-ms']).slice(0, limit).map(snapshotFacts),
    properties: table.properties,
    states: await warehouse.metastore.statesOfTarget(table['table-uuid']),
  };
}

function snapshotFacts(snapshot: Snapshot): JsonObject {
  const count = (key: string): number | null => (/^\d+$/.test(snapshot.summary[key] ?? '') ? Number(snapshot.summary[key]) : null);
  return {
    snapshot_id: String(snapshot['snapshot-id']),
    committed_at: new Date(snapshot['timestamp-ms']).toISOString(),
    operation: snapshot.summary.operation,
    run_id: snapshot.summary['sluice.run-id'] ?? null,
    added_rows: count('added-records') ?? 0,
    deleted_rows: count('deleted-records') ?? 0,
    total_rows: count('total-records'),
  };
}

function formatType(type: IcebergType): string {
  if (typeof type === 'string') return type;
  if (type.type === 'list') return `list<${formatType(type.element)}>`;
  if (type.type === 'map') return `map<${formatType(type.key)}, ${formatType(type.value)}>`;
  return `struct<${type.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')}>`;
}

function formatFacts(facts: TableFacts, snapshots: number): string {
  const withComments = facts.columns.some((column) => column.comment !== null);
  const indent = (block: string): string => block.replaceAll(/^(?=.)/gm, '  ');
  const number = (value: unknown): string => (typeof value === 'number' ? formatCount(value) : '');
  const lines = [
    facts.name,
    ...(facts.comment === null ? [] : [facts.comment]),
    '',
    indent(formatTable(['column', 'type', ...(withComments ? ['comment'] : [])], facts.columns.map((c) => [c.name, `${c.type}${c.required ? ', required' : ''}`, c.comment ?? '']))),
    '',
    `partitioned by  ${facts.partitioned_by.join(', ') || '(nothing)'}`,
    `rows            ${formatCount(facts.rows)}`,
    `bytes           ${formatBytes(facts.bytes)}`,
    `files           ${formatCount(facts.files)} in ${formatCount(facts.partitions)} ${facts.partitions === 1 ? 'partition' : 'partitions'}`,
    `location        ${facts.location}`,
    `uuid            ${facts.uuid}`,
    `snapshot        ${facts.current_snapshot ?? '(none yet)'}`,
  ];
  if (facts.snapshots.length > 0) {
    const rows = facts.snapshots.map((s) => [
      String(s['snapshot_id']) + (s['snapshot_id'] === facts.current_snapshot ? ' *' : ''),
      formatTime(Date.parse(String(s['committed_at']))),
      String(s['operation']),
      number(s['added_rows']),
      number(s['deleted_rows']),
      number(s['total_rows']),
      s['run_id'] === null ? '' : String(s['run_id']),
    ]);
    lines.push('', `snapshots${snapshots > rows.length ? ` (${formatCount(rows.length)} of ${formatCount(snapshots)})` : ''}`);
    lines.push(indent(formatTable(['snapshot', 'committed (UTC)', 'operation', 'added', 'deleted', 'total', 'run'], rows)));
  }
  const properties = Object.entries(facts.properties).filter(([key]) => key !== 'comment');
  if (properties.length > 0) lines.push('', 'properties', indent(formatTable(['property', 'value'], properties)));
  if (facts.states.length > 0) lines.push('', 'loaded by', indent(formatTable(['pipeline', 'state'], facts.states.map((s) => [s.pipeline, describeState(s.state)]))));
  return lines.join('\n');
}
