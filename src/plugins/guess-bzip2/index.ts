import { defineGuess } from '../../core/spi/index.js';
import { guessDecoder, guessSchema } from '../shared/guess-decoder.js';

export default defineGuess({
  kind: 'guess',
  type: 'bzip2',
  summary: 'Finds out that the data is compressed with bzip2.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 20,
  guess: (config, sample) => Promise.resolve(guessDecoder(config, sample, 'bzip2', '425a68')),
});
