import { defineDatabaseOutput } from '../shared/sql-output/database-output.js';
import { readTableName } from '../shared/sql/table-names.js';
import { spoolColumn } from './column-types.js';
import { schema } from './schema.js';
import { openTarget } from './target.js';

export default defineDatabaseOutput(
  {
    type: 'postgresql',
    summary: 'A PostgreSQL table: COPY FROM STDIN, committed in one transaction with a ledger row.',
    stability: 'stable',
    schema,
    examples: [
      {
        title: 'Update rows by their key, add the others',
        config: {
          type: 'postgresql',
          host: 'db.example.com',
          user: 'loader',
          password: { env: 'PGPASSWORD' },
          database: 'shop',
          table: 'orders',
          mode: 'merge',
          keys: ['id'],
        },
      },
    ],
  },
  {
    defaultPort: 5432,
    spoolColumn,
    // The server reads it with a seventh less CPU than CSV with quotes.
    spool: { kind: 'escaped', nullText: '\\N' },
    tableOf: (config, place) => readTableName(config.table, config.schema ?? 'public', place),
    open: openTarget,
  },
);
