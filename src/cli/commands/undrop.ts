import { formatTableName } from '../../warehouse/index.js';
import type { Command, CommandContext } from '../command.js';
import { formatCount, formatTable, formatTime } from '../format.js';
import { withSession } from '../session.js';
import type { Warehouse } from '../../warehouse/index.js';

export const command: Command = {
  name: 'undrop',
  usage: '[TABLE]',
  summary: 'Bring back a dropped table with its rejects and states; without a name, list what can be brought back.',
  options: {},
  examples: ['sluice undrop shop.orders', 'sluice undrop'],
  arity: [0, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [text] = context.args;
      const warehouse = await session.warehouse();
      if (text === undefined) return listDropped(context, warehouse);
      const restored = await warehouse.catalog.undropTable(text);
      const name = formatTableName(restored);
      const states = await warehouse.metastore.statesOfTarget(restored.tableUuid);
      if (context.out.json) await context.out.printJson({ event: 'undrop', table: name, uuid: restored.tableUuid, states: states.length });
      else context.out.say(`${name} is back${states.length === 0 ? '' : `, with the state of ${states.map((s) => s.pipeline).join(', ')}`}`);
      return 0;
    }),
};

async function listDropped(context: CommandContext, warehouse: Warehouse): Promise<number> {
  const dropped = await warehouse.metastore.catalog.listDropped();
  if (context.out.json)
    for (const d of dropped)
      await context.out.printJson({ table: formatTableName(d), uuid: d.tableUuid, dropped_at: new Date(d.droppedAt).toISOString() });
  else if (dropped.length === 0) context.out.say('no dropped tables');
  else {
    await context.out.printLine(
      formatTable(
        ['table', 'dropped (UTC)', 'uuid'],
        dropped.map((d) => [formatTableName(d), formatTime(d.droppedAt), d.tableUuid]),
      ),
    );
    context.out.say(`${formatCount(dropped.length)} dropped; the newest of a name comes back`);
  }
  return 0;
}
