import type { ConfigSchema } from '../../core/spi/index.js';
import { mysqlConnectionProperties } from '../shared/mysql/connection-schema.js';
import { tableOutputProperties } from '../shared/sql-output/schema.js';

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['table', 'mode'],
  properties: {
    ...mysqlConnectionProperties,
    ...tableOutputProperties,
    before_load: {
      type: 'string',
      minLength: 1,
      description:
        'One SQL statement that is run before the rows are written, in the same transaction (with `truncate` when the old rows are gone), unless it commits by itself.',
    },
    after_load: {
      type: 'string',
      minLength: 1,
      description: 'One SQL statement that is run after the rows are written, in the same transaction, unless it commits by itself.',
    },
  },
} as const satisfies ConfigSchema;
