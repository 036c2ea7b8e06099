import { defineParser } from '../../core/spi/index.js';
import { openMsgpack, readLayout } from './open-msgpack.js';
import { countCompleteBytes } from './records.js';
import { msgpackSchema, type MsgpackConfig } from './schema.js';

export default defineParser<MsgpackConfig>({
  kind: 'parser',
  type: 'msgpack',
  summary: 'Reads MessagePack: maps or arrays, one after the other or in one array.',
  stability: 'stable',
  schema: msgpackSchema,
  examples: [
    {
      title: 'Maps one after the other, as fluentd writes them',
      config: {
        type: 'msgpack',
        columns: [
          { name: 'id', type: 'long' },
          { name: 'at', type: 'timestamp' },
          { name: 'tags', type: 'json' },
        ],
      },
    },
    {
      title: 'One array of arrays',
      config: { type: 'msgpack', file_encoding: 'array', row_encoding: 'array', columns: [{ name: 'id', type: 'long' }] },
    },
  ],
  filesPerTask: 256,
  plan: (config, _files, ctx) => Promise.resolve({ columns: readLayout(config, ctx.place).columns }),
  completeBytes: (file, config) => (config.file_encoding === 'array' ? Promise.resolve(undefined) : countCompleteBytes(file)),
  open: (files, _plan, config, ctx) => openMsgpack(files, config, ctx),
});
