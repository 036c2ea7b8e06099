import { ConfigError } from '../../core/spi/index.js';
import { sizeOf, formatTableName, splitTableName, type Warehouse } from '../../warehouse/index.js';
import type { Command } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { formatBytes, formatCountOf } from '../format.js';
import { withSession } from '../session.js';

export const command: Command = {
  name: 'drop',
  usage: 'TABLE',
  summary: 'Take a table and its rejects out of the warehouse; `sluice undrop` brings them back.',
  details:
    'The files stay for the snapshot period (5 days unless the table says otherwise), and so do the states of the pipelines that load into it.',
  options: { yes: YES_OPTION },
  examples: ['sluice drop shop.orders', 'sluice drop shop.orders --yes'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [text = ''] = context.args;
      const warehouse = await session.warehouse();
      await refuseView(warehouse, text, 'drop');
      const table = await warehouse.catalog.loadTable(text);
      const name = formatTableName(table.name);
      const size = await sizeOf(warehouse.reader, table.metadata);
      await confirm(context, `sluice drop ${name}`, `Drop ${name} (${formatCountOf(size.rows, 'row')}, ${formatBytes(size.bytes)})?`);
      const dropped = await warehouse.catalog.dropTable(text);
      if (context.out.json) await context.out.printJson({ event: 'drop', table: name, uuid: dropped.tableUuid, ...size });
      else context.out.say(`dropped ${name}; \`sluice undrop ${name}\` brings it back`);
      return 0;
    }),
};

/** Views have no files, so what these verbs promise does not hold for them. */
export async function refuseView(warehouse: Warehouse, text: string, verb: string): Promise<void> {
  const { namespace, name } = splitTableName(text);
  if (!(await warehouse.metastore.catalog.getView(namespace, name))) return;
  throw new ConfigError({
    code: 'IS_VIEW',
    message: `${verb}: expected a table, found the view ${namespace}.${name}`,
    hint: `drop a view with sluice query "DROP VIEW ${namespace}.${name}"`,
  });
}
