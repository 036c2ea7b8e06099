import { defineParser } from '../../core/spi/index.js';
import { countCompleteBytes } from '../shared/complete-lines.js';
import { checkLineConfig, openLines } from '../shared/line-reading.js';
import { readLayout } from './layout.js';
import { fixedWidthSchema, type FixedWidthConfig } from './schema.js';

export default defineParser<FixedWidthConfig>({
  kind: 'parser',
  type: 'fixed_width',
  summary: 'Reads lines whose columns stand at fixed positions, counted in characters or bytes.',
  stability: 'stable',
  schema: fixedWidthSchema,
  examples: [
    {
      title: 'Columns one after the other',
      config: {
        type: 'fixed_width',
        columns: [
          { name: 'id', type: 'long', width: 8 },
          { name: 'name', type: 'string', width: 20 },
        ],
      },
    },
    {
      title: 'Positions in bytes of Shift_JIS, as in bank files',
      config: {
        type: 'fixed_width',
        charset: 'shift_jis',
        unit: 'bytes',
        skip_header_lines: 1,
        columns: [
          { name: 'bank', type: 'string', start: 2, end: 5 },
          { name: 'holder', type: 'string', start: 23, end: 52 },
        ],
        allow_extra_columns: true,
      },
    },
  ],
  filesPerTask: 256,
  async plan(config, _files, ctx) {
    checkLineConfig(config, ctx.place, config.unit === 'bytes');
    return { columns: readLayout(config, ctx.place).columns };
  },
  completeBytes: countCompleteBytes,
  open: (files, _plan, config, ctx) => openLines(files, readLayout(config), config, ctx),
});
