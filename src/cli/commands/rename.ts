import { formatTableName, parseTableName, type TableName } from '../../warehouse/index.js';
import type { Command } from '../command.js';
import { withSession } from '../session.js';
import { refuseView } from './drop.js';

const loadOf = (table: TableName): string => `load:${formatTableName(table)}`;

export const command: Command = {
  name: 'rename',
  usage: 'TABLE NEW_NAME',
  summary: 'Give a table and its rejects another name; states and snapshots stay.',
  options: {},
  examples: ['sluice rename shop.orders shop.orders_2025'],
  arity: [2, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [from = '', to = ''] = context.args;
      const warehouse = await session.warehouse();
      const { metastore, catalog } = warehouse;
      const name = formatTableName(parseTableName(to));
      await refuseView(warehouse, from, 'rename');
      const table = await catalog.loadTable(from);
      const uuid = table.metadata['table-uuid'];
      const pipelines = (await metastore.statesOfTarget(uuid)).map((s) => s.pipeline);
      await catalog.renameTable(from, to, (tx) => metastore.renameTarget(tx, uuid, name));
      if (context.out.json) await context.out.printJson({ event: 'rename', from: formatTableName(table.name), to: name, uuid, pipelines });
      else {
        context.out.say(`${formatTableName(table.name)} is now ${name}`);
        // The command line names those after their table, so the new name is another pipeline to it.
        const [loads, configs] = [pipelines.filter((p) => p === loadOf(table.name)), pipelines.filter((p) => p !== loadOf(table.name))];
        if (configs.length > 0) context.out.say(`change \`table:\` in ${configs.join(', ')}: under the old name the next run makes a new table`);
        for (const load of loads)
          context.out.say(`for \`sluice load … --into ${name}\` to know what is loaded: sluice state move ${load} load:${name}`);
      }
      return 0;
    }),
};
