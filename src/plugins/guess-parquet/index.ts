import { defineGuess } from '../../core/spi/index.js';
import { guessSchema } from '../shared/guess-decoder.js';

export default defineGuess({
  kind: 'guess',
  type: 'parquet',
  summary: 'Finds out that the data is Parquet.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 40,
  guess(config, sample) {
    const magic = Buffer.from(sample.bytes.subarray(0, 4)).toString('latin1');
    if (config['parser'] !== undefined || magic !== 'PAR1') return Promise.resolve(undefined);
    return Promise.resolve({
      in: { parser: { type: 'parquet' } },
      notes: [{ path: 'parser.type', text: 'the first bytes are PAR1; columns and types come from the files' }],
      warnings: [],
    });
  },
});
