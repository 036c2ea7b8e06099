import { defineFormatter } from '../../core/spi/index.js';
import type { ColumnTextConfig } from '../shared/text-format/column-options.js';
import { jsonRecordSql } from '../shared/text-format/json-record.js';
import { jsonFormatterSchema } from './schema.js';

export default defineFormatter<ColumnTextConfig>({
  kind: 'formatter',
  type: 'json',
  summary: 'One JSON array of objects a file; numbers keep all their digits.',
  stability: 'stable',
  schema: jsonFormatterSchema,
  examples: [
    { title: 'As it is', config: { type: 'json' } },
    { title: 'Epoch seconds', config: { type: 'json', default_timestamp_format: '%s' } },
  ],
  extension: '.json',
  plan: (config, schema, ctx) => ({ form: 'lines', record: jsonRecordSql(config, schema, ctx), header: null, newline: '\n', array: true }),
});
