import { sizeOf, formatTableName } from '../../warehouse/index.js';
import type { Command } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { formatCountOf } from '../format.js';
import { withSession } from '../session.js';
import { usageError } from '../subcommand.js';
import { refuseView } from './drop.js';

export const command: Command = {
  name: 'swap',
  usage: 'TABLE OTHER',
  summary: 'Exchange two tables (and their rejects) in one step; states follow the names.',
  details: 'Queries see the one or the other, never neither. What a pipeline knows to be loaded stays with the name it loads into.',
  options: { yes: YES_OPTION },
  examples: ['sluice swap shop.orders shop.orders_new --yes'],
  arity: [2, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [first = '', second = ''] = context.args;
      const warehouse = await session.warehouse();
      const { metastore, catalog } = warehouse;
      for (const name of [first, second]) await refuseView(warehouse, name, 'swap');
      const [a, b] = [await catalog.loadTable(first), await catalog.loadTable(second)];
      const names = [formatTableName(a.name), formatTableName(b.name)] as const;
      if (names[0] === names[1])
        throw usageError('swap', `expected two tables, found ${names[0]} twice`, 'e.g. sluice swap shop.orders shop.orders_new');
      const rows = await Promise.all([a, b].map(async (table) => formatCountOf((await sizeOf(warehouse.reader, table.metadata)).rows, 'row')));
      await confirm(context, `sluice swap ${names.join(' ')}`, `Exchange ${names[0]} (${rows[0]}) and ${names[1]} (${rows[1]})?`);
      await catalog.swapTables(first, second, (tx, one, two) => metastore.swapTargets(tx, one.metadata['table-uuid'], two.metadata['table-uuid']));
      if (context.out.json) await context.out.printJson({ event: 'swap', tables: names });
      else context.out.say(`${names[0]} and ${names[1]} have changed places`);
      return 0;
    }),
};
