import { ConfigError, defineInput, type InputPlan, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import { chooseTables, tableStreams } from '../shared/sql/table-names.js';
import type { MysqlInputConfig } from './config.js';
import { discoverMysql, guessMysql, probeMysql, readableTables } from './guess.js';
import { planMysql, type ReadTask } from './plan.js';
import { openRead } from './read.js';
import { mysqlInputSchema } from './schema.js';

export default defineInput<MysqlInputConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'mysql',
  summary: 'Reads tables and queries of a MySQL or MariaDB server, whole or incrementally.',
  stability: 'beta',
  schema: mysqlInputSchema,
  examples: [
    {
      title: 'One table',
      config: { type: 'mysql', host: 'db.example.com', user: 'reader', password: { env: 'MYSQL_PASSWORD' }, database: 'shop', table: 'orders' },
    },
    {
      title: 'New and changed rows only',
      config: {
        type: 'mysql',
        host: 'db.example.com',
        user: 'reader',
        database: 'shop',
        table: 'orders',
        incremental_columns: ['updated_at', 'id'],
        lag: '10m',
        primary_key: ['id'],
      },
    },
    { title: 'Many tables', config: { type: 'mysql', user: 'reader', database: 'shop', tables: ['shop_*', 'sales.*'] } },
    { title: 'A query', config: { type: 'mysql', user: 'reader', database: 'shop', query: 'SELECT id, total FROM orders WHERE total > 100' } },
  ],

  plan: planMysql,

  async open(task, _plan, config, ctx) {
    const read = task as unknown as ReadTask;
    return { form: 'relation', source: read.source, reading: await openRead(read, config, ctx) };
  },

  nextState: (plan: InputPlan): JsonValue | undefined => (plan.tasks[0] as unknown as ReadTask | undefined)?.next,

  async streams(config, ctx) {
    if (config.tables === undefined || config.table !== undefined || config.query !== undefined) return undefined;
    const { database } = config;
    if (database === undefined) {
      throw new ConfigError({
        code: 'SQL_DATABASE_MISSING',
        message: 'in.tables: expected a database, in which names without one are looked for',
        hint: 'give database, too',
        where: ctx.place.at('tables'),
      });
    }
    const chosen = chooseTables(config.tables, config.exclude_tables ?? [], await readableTables(config, ctx), database, ctx.place);
    return tableStreams(config as unknown as JsonObject, chosen, database);
  },

  guess: (config, ctx) => guessMysql(config as unknown as MysqlInputConfig, ctx),
  probe: probeMysql,
  discover: discoverMysql,
});
