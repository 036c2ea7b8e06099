import { defineParser, type Reading } from '../../core/spi/index.js';
import { countCompleteBytes } from './complete-records.js';
import { readLayout, sourceColumns, type JsonParserConfig } from './config.js';
import { chooseLane, plainPaths, takeSample } from './native-lane.js';
import { openNativeLane } from './native-reading.js';
import { openOwnLane } from './own-reading.js';
import { jsonParserSchema } from './schema.js';
import { isPlainSample, typedShape } from './typed-lane.js';
import { openTypedLane } from './typed-reading.js';

export default defineParser<JsonParserConfig>({
  kind: 'parser',
  type: 'json',
  summary: 'Reads JSON: objects one a line, one after the other, or in arrays; values stay exact.',
  stability: 'stable',
  schema: jsonParserSchema,
  examples: [
    {
      title: 'JSON lines',
      config: {
        type: 'json',
        columns: [
          { name: 'id', type: 'long' },
          { name: 'tags', type: 'json' },
        ],
      },
    },
    {
      title: 'Records within a response',
      config: { type: 'json', root: '/data/items', flatten_json_array: true, columns: [{ name: 'id', type: 'long', element_at: '/meta/id' }] },
    },
  ],
  filesPerTask: 256,
  plan: (config, _files, ctx) => Promise.resolve({ columns: sourceColumns(readLayout(config, ctx.place)) }),
  completeBytes: countCompleteBytes,
  async open(files, _plan, config, ctx) {
    const layout = readLayout(config);
    const sample = await takeSample(files, layout);
    if (!sample) return openOwnLane(files, layout, ctx);
    const openNative = async (): Promise<Reading> => {
      const lane = await chooseLane(files, sample, ctx);
      return lane.native ? openNativeLane(lane, layout, ctx) : openOwnLane(files, layout, ctx);
    };
    const paths = plainPaths(files);
    const shape = paths && paths.length > 0 ? typedShape(layout, sample.keyLists) : undefined;
    if (!paths || !shape || !isPlainSample(shape, sample.bytes)) return openNative();
    return openTypedLane({ files, paths, shape }, layout, openNative, ctx);
  },
});
