import { defineParser } from '../../core/spi/index.js';
import { countCompleteBytes } from '../shared/complete-lines.js';
import { checkLineConfig, openLines } from '../shared/line-reading.js';
import { readLayout } from './layout.js';
import { regexpSchema, type RegexpConfig } from './schema.js';

export default defineParser<RegexpConfig>({
  kind: 'parser',
  type: 'regexp',
  summary: 'Reads lines by a regular expression with named groups; knows the Apache access logs.',
  stability: 'stable',
  schema: regexpSchema,
  examples: [
    { title: "Apache's combined access log", config: { type: 'regexp', format: 'apache_combined' } },
    {
      title: 'A log of our own',
      config: {
        type: 'regexp',
        pattern: '(?<at>[^ ]+) \\[(?<level>[A-Z]+)\\] (?<message>.*)',
        columns: [
          { name: 'at', type: 'timestamp' },
          { name: 'level', type: 'string' },
          { name: 'message', type: 'string' },
        ],
      },
    },
  ],
  filesPerTask: 256,
  async plan(config, _files, ctx) {
    checkLineConfig(config, ctx.place);
    return { columns: readLayout(config, ctx.place).columns };
  },
  completeBytes: countCompleteBytes,
  open: (files, _plan, config, ctx) => openLines(files, readLayout(config), config, ctx),
});
