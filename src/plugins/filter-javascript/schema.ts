import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { JSON_COLUMN_PROPERTIES } from '../shared/json-columns.js';

export const javascriptSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'javascript', description: 'Calls a JavaScript function for each row. It runs with all rights of Sluice: this is no sandbox.' },
    columns: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description:
        'Input columns that the function gets, as members of its one argument. A long comes as a number (as a bigint beyond 2^53), json parsed, binary as Uint8Array, decimals, dates and times as text; NULL is null.',
    },
    function: {
      type: 'string',
      minLength: 1,
      description: 'The function, e.g. `row => ({ total: row.price * row.quantity })`. It must not be async.',
    },
    file: { type: 'string', minLength: 1, description: 'Module below the project root whose default export is the function. Instead of `function`.' },
    returns: {
      type: 'array',
      description:
        'Columns that it returns as members of an object; they replace columns of the same name or follow after the others. null or false drops the row, an array of objects makes several rows.',
      items: { type: 'object', additionalProperties: false, required: ['name', 'type'], properties: JSON_COLUMN_PROPERTIES },
      default: [],
    },
  },
} as const satisfies ConfigSchema;

export type JavascriptConfig = FromSchema<typeof javascriptSchema>;
