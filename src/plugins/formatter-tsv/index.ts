import { defineFormatter } from '../../core/spi/index.js';
import { encodeText } from '../shared/text-format/charset.js';
import { checkCharset } from '../shared/text-format/check-charset.js';
import { planDelimited, type DelimitedConfig } from '../shared/text-format/delimited.js';
import { tsvFormatterSchema } from './schema.js';

export default defineFormatter<DelimitedConfig>({
  kind: 'formatter',
  type: 'tsv',
  summary: 'Tab-separated text, with all the options of csv.',
  stability: 'stable',
  schema: tsvFormatterSchema,
  examples: [
    { title: 'Quoted where needed', config: { type: 'tsv' } },
    { title: 'Escaped, never quoted', config: { type: 'tsv', quote_policy: 'NONE', null_string: '\\N', newline: 'LF' } },
  ],
  extension: '.tsv',
  plan(config, schema, ctx) {
    checkCharset(config.charset, ctx.place);
    return planDelimited(config, schema, ctx);
  },
  transform: (source, config) => encodeText(source, config.charset, config.bom),
});
