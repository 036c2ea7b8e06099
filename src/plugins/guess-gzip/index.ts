import { defineGuess } from '../../core/spi/index.js';
import { guessDecoder, guessSchema } from '../shared/guess-decoder.js';

export default defineGuess({
  kind: 'guess',
  type: 'gzip',
  summary: 'Finds out that the data is compressed with gzip.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 10,
  guess: (config, sample) => Promise.resolve(guessDecoder(config, sample, 'gzip', '1f8b')),
});
