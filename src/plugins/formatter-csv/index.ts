import { defineFormatter } from '../../core/spi/index.js';
import { encodeText } from '../shared/text-format/charset.js';
import { checkCharset } from '../shared/text-format/check-charset.js';
import { planDelimited, type DelimitedConfig } from '../shared/text-format/delimited.js';
import { csvFormatterSchema } from './schema.js';

export default defineFormatter<DelimitedConfig>({
  kind: 'formatter',
  type: 'csv',
  summary: 'CSV: RFC 4180 unless told otherwise; NULL and the empty text stay apart.',
  stability: 'stable',
  schema: csvFormatterSchema,
  examples: [
    { title: 'RFC 4180', config: { type: 'csv' } },
    {
      title: 'For a spreadsheet in Japan',
      config: { type: 'csv', charset: 'shift_jis', default_timezone: 'Asia/Tokyo', default_timestamp_format: '%Y/%m/%d %H:%M:%S' },
    },
  ],
  extension: '.csv',
  plan(config, schema, ctx) {
    checkCharset(config.charset, ctx.place);
    return planDelimited(config, schema, ctx);
  },
  transform: (source, config) => encodeText(source, config.charset, config.bom),
});
