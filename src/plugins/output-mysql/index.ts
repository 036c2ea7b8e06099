import { configProblem } from '../shared/config-problem.js';
import { readTableName } from '../shared/sql/table-names.js';
import { defineDatabaseOutput } from '../shared/sql-output/database-output.js';
import { spoolColumn } from './csv-column.js';
import { schema } from './schema.js';
import { openTarget } from './target.js';

export default defineDatabaseOutput(
  {
    type: 'mysql',
    summary: 'A MySQL or MariaDB table: LOAD DATA LOCAL, committed in one transaction with a ledger row.',
    stability: 'stable',
    schema,
    examples: [
      {
        title: 'Update rows by their key, add the others',
        config: {
          type: 'mysql',
          host: 'db.example.com',
          user: 'loader',
          password: { env: 'MYSQL_PASSWORD' },
          database: 'shop',
          table: 'orders',
          mode: 'merge',
          keys: ['id'],
        },
      },
    ],
  },
  {
    defaultPort: 3306,
    spoolColumn,
    spool: { kind: 'csv', nullText: 'NULL' },
    tableOf(config, place) {
      const parts = readTableName(config.table, config.database, place);
      if (parts.length === 2) return parts;
      throw configProblem(place, 'database', {
        code: 'TARGET_DATABASE',
        message: `expected the database of table ${config.table}, found none`,
        hint: 'set database, or write the table as database.table',
      });
    },
    open: openTarget,
  },
);
