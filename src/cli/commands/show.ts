import { describeTable, formatTableName, splitTableName, type LoadedTable, type TableFacts, type Warehouse } from '../../warehouse/index.js';
import { text, type Command, type CommandContext } from '../command.js';
import { formatBytes, formatCount, formatCountOf, formatTable, formatTime } from '../format.js';
import { describeState } from '../report.js';
import { withSession } from '../session.js';
import { countOption } from '../subcommand.js';

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
  const facts: ShownTable = {
    ...(await describeTable(warehouse.reader, loaded, limit)),
    states: await warehouse.metastore.statesOfTarget(loaded.metadata['table-uuid']),
  };
  if (context.out.json) return context.out.printJson(facts);
  await context.out.printLine(formatFacts(facts, loaded.metadata.snapshots.length));
}

interface ShownTable extends TableFacts {
  readonly states: Awaited<ReturnType<Warehouse['metastore']['statesOfTarget']>>;
}

function formatFacts(facts: ShownTable, snapshots: number): string {
  const withComments = facts.columns.some((column) => column.comment !== null);
  const indent = (block: string): string => block.replaceAll(/^(?=.)/gm, '  ');
  const number = (value: unknown): string => (typeof value === 'number' ? formatCount(value) : '');
  const lines = [
    facts.name,
    ...(facts.comment === null ? [] : [facts.comment]),
    '',
    indent(
      formatTable(
        ['column', 'type', ...(withComments ? ['comment'] : [])],
        facts.columns.map((c) => [c.name, `${c.type}${c.required ? ', required' : ''}`, c.comment ?? '']),
      ),
    ),
    '',
    `partitioned by  ${facts.partitioned_by.join(', ') || '(nothing)'}`,
    `rows            ${formatCount(facts.rows)}`,
    `bytes           ${formatBytes(facts.bytes)}`,
    `files           ${formatCount(facts.files)} in ${formatCountOf(facts.partitions, 'partition')}`,
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
  if (facts.states.length > 0)
    lines.push(
      '',
      'loaded by',
      indent(
        formatTable(
          ['pipeline', 'state'],
          facts.states.map((s) => [s.pipeline, describeState(s.state)]),
        ),
      ),
    );
  return lines.join('\n');
}
