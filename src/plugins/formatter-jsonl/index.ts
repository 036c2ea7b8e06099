import { defineFormatter } from '../../core/spi/index.js';
import type { ColumnTextConfig } from '../shared/text-format/column-options.js';
import { jsonRecordSql } from '../shared/text-format/json-record.js';
import { jsonlFormatterSchema } from './schema.js';

export default defineFormatter<ColumnTextConfig>({
  kind: 'formatter',
  type: 'jsonl',
  summary: 'One JSON object a line; numbers keep all their digits.',
  stability: 'stable',
  schema: jsonlFormatterSchema,
  examples: [
    { title: 'As it is', config: { type: 'jsonl' } },
    { title: 'Epoch seconds', config: { type: 'jsonl', default_timestamp_format: '%s' } },
  ],
  extension: '.jsonl',
  plan: (config, schema, ctx) => ({ form: 'lines', record: jsonRecordSql(config, schema, ctx), header: null, newline: '\n' }),
});
