import type { ConfigSchema } from '../../core/spi/index.js';
import { columnTextProperties } from '../shared/text-format/column-options.js';

export const jsonlFormatterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'jsonl', description: 'Selects this formatter.' },
    ...columnTextProperties,
    default_timestamp_format: { type: 'string', description: 'Pattern of timestamp columns without their own. Default: ISO 8601.' },
  },
} as const satisfies ConfigSchema;
