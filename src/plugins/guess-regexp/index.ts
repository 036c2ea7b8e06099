import { defineGuess, type JsonObject } from '../../core/spi/index.js';
import { PRESETS } from '../shared/apache-logs.js';
import { guessSchema } from '../shared/guess-decoder.js';
import { sampleLines } from '../shared/sample-lines.js';

/** Of the lines; what breaks off or was written by something else is rejected when it is read. */
const ENOUGH = 0.95;

export default defineGuess({
  kind: 'guess',
  type: 'regexp',
  summary: "Recognises Apache's common and combined access logs.",
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 52,
  guess(config, sample) {
    const parser = config['parser'] as JsonObject | undefined;
    if (parser?.['type'] !== undefined && parser['type'] !== 'regexp') return Promise.resolve(undefined);
    if (['format', 'pattern', 'columns'].some((key) => parser?.[key] !== undefined)) return Promise.resolve(undefined);
    const skip = typeof parser?.['skip_header_lines'] === 'number' ? parser['skip_header_lines'] : 0;
    const lines = sampleLines(sample)?.slice(skip) ?? [];
    for (const format of ['apache_combined', 'apache_common'] as const) {
      const expression = new RegExp(`^(?:${PRESETS[format].pattern})$`, 'us');
      const matching = lines.filter((line) => expression.test(line)).length;
      if (matching === 0 || matching < lines.length * ENOUGH) continue;
      const left = lines.length - matching;
      return Promise.resolve({
        in: { parser: { type: 'regexp', format } },
        notes: [{ path: 'parser.format', text: `${matching} lines of Apache's ${format === 'apache_common' ? 'common' : 'combined'} access log` }],
        timeColumn: 'time',
        warnings: left === 0 ? [] : [`${left} of ${lines.length} sampled lines do not match and would be rejected`],
      });
    }
    return Promise.resolve(undefined);
  },
});
