import { defineParser } from '../../core/spi/index.js';
import { countCompleteBytes } from '../shared/complete-lines.js';
import { checkLineConfig, openLines } from '../shared/line-reading.js';
import { readLayout } from './layout.js';
import { ltsvSchema, type LtsvConfig } from './schema.js';

export default defineParser<LtsvConfig>({
  kind: 'parser',
  type: 'ltsv',
  summary: 'Reads labelled tab-separated values (LTSV).',
  stability: 'stable',
  schema: ltsvSchema,
  examples: [
    {
      title: 'An access log',
      config: {
        type: 'ltsv',
        null_string: '-',
        columns: [
          { name: 'time', type: 'timestamp', format: '%d/%b/%Y:%H:%M:%S %z' },
          { name: 'host', type: 'string' },
          { name: 'bytes', type: 'long', label: 'size' },
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
