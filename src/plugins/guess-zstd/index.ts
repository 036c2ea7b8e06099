import { defineGuess } from '../../core/spi/index.js';
import { guessDecoder, guessSchema } from '../shared/guess-decoder.js';

export default defineGuess({
  kind: 'guess',
  type: 'zstd',
  summary: 'Finds out that the data is compressed with zstd.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 30,
  guess: (config, sample) => Promise.resolve(guessDecoder(config, sample, 'zstd', '28b52ffd')),
});
