import { defineInput, type InputPlan, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import { chooseTables, tableStreams } from '../shared/sql/table-names.js';
import type { PostgresqlInputConfig } from './config.js';
import { discoverPostgresql, guessPostgresql, probePostgresql, readableTables } from './guess.js';
import { planPostgresql, type ReadTask } from './plan.js';
import { openRead } from './read.js';
import { postgresqlInputSchema } from './schema.js';

export default defineInput<PostgresqlInputConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'postgresql',
  summary: 'Reads tables and queries of a PostgreSQL server with COPY, whole or incrementally.',
  stability: 'beta',
  schema: postgresqlInputSchema,
  examples: [
    {
      title: 'One table',
      config: { type: 'postgresql', host: 'db.example.com', user: 'reader', password: { env: 'PGPASSWORD' }, database: 'shop', table: 'orders' },
    },
    {
      title: 'New and changed rows only',
      config: {
        type: 'postgresql',
        host: 'db.example.com',
        user: 'reader',
        database: 'shop',
        table: 'orders',
        incremental_columns: ['updated_at', 'id'],
        lag: '10m',
        primary_key: ['id'],
      },
    },
    { title: 'Many tables', config: { type: 'postgresql', user: 'reader', database: 'shop', tables: ['shop_*', 'sales.*'] } },
    { title: 'A query', config: { type: 'postgresql', user: 'reader', database: 'shop', query: 'SELECT id, total FROM orders WHERE total > 100' } },
  ],

  plan: planPostgresql,

  async open(task, plan, config, ctx) {
    const read = task as unknown as ReadTask;
    return { form: 'relation', source: read.source.name, reading: await openRead(read, plan, config, ctx) };
  },

  nextState: (plan: InputPlan): JsonValue | undefined => (plan.tasks[0] as unknown as ReadTask | undefined)?.next,

  async streams(config, ctx) {
    if (config.tables === undefined || config.table !== undefined || config.query !== undefined) return undefined;
    const schema = config.schema ?? 'public';
    const chosen = chooseTables(config.tables, config.exclude_tables ?? [], await readableTables(config, ctx), schema, ctx.place);
    return tableStreams(config as unknown as JsonObject, chosen, schema);
  },

  guess: (config, ctx) => guessPostgresql(config as unknown as PostgresqlInputConfig, ctx),
  probe: probePostgresql,
  discover: discoverPostgresql,
});
