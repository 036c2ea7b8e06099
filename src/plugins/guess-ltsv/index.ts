import { defineGuess, type GuessColumn, type GuessNote, type JsonObject } from '../../core/spi/index.js';
import { guessSchema } from '../shared/guess-decoder.js';
import { makeColumnNames } from '../shared/guess-names.js';
import { sampleLines } from '../shared/sample-lines.js';

/** What stands for an absent value in many of these logs. */
const ABSENT = '-';
/** Labels as ltsv.org has them; one that starts with a digit may as well be a time of day. */
const LABEL = /^[A-Za-z_][0-9A-Za-z_.-]*$/;

export default defineGuess({
  kind: 'guess',
  type: 'ltsv',
  summary: 'Finds out that the lines are labelled tab-separated values, and lists their labels as columns.',
  stability: 'stable',
  schema: guessSchema,
  examples: [],
  order: 54,
  guess(config, sample) {
    const parser = config['parser'] as JsonObject | undefined;
    if (parser?.['columns'] !== undefined || (parser?.['type'] !== undefined && parser['type'] !== 'ltsv')) return Promise.resolve(undefined);
    const skip = typeof parser?.['skip_header_lines'] === 'number' ? parser['skip_header_lines'] : 0;
    const lines = sampleLines(sample)?.slice(skip) ?? [];
    const records = lines.map(readFields).filter((fields) => fields !== undefined);
    if (records.length === 0 || (parser?.['type'] === undefined && !isLtsv(records, lines.length))) return Promise.resolve(undefined);
    const absent = parser?.['null_string'] === undefined ? countAbsent(records) : 0;
    const nullString = absent > 0 ? ABSENT : parser?.['null_string'];
    const notes: GuessNote[] = [{ path: 'parser.type', text: `${records.length} lines of label:value fields between tabs` }];
    if (absent > 0) notes.push({ path: 'parser.null_string', text: absent === 1 ? '1 value is this' : `${absent} values are this` });
    const left = lines.length - records.length;
    return Promise.resolve({
      in: { parser: { type: 'ltsv', ...(absent > 0 ? { null_string: ABSENT } : {}) } },
      columns: readColumns(records, nullString),
      notes,
      warnings: left === 0 ? [] : [`${left} of ${lines.length} sampled lines are not label:value fields and would be rejected`],
    });
  },
});

/** The fields of a line by their labels; undefined where it is no record. */
function readFields(line: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const field of line.split('\t')) {
    const colon = field.indexOf(':');
    const label = field.slice(0, Math.max(0, colon));
    if (!LABEL.test(label) || fields.has(label)) return undefined;
    fields.set(label, field.slice(colon + 1));
  }
  return fields;
}

/** Nearly all lines, of more than one field each, with labels that come again. */
function isLtsv(records: readonly ReadonlyMap<string, string>[], lines: number): boolean {
  const wide = records.filter((fields) => fields.size > 1);
  if (wide.length < lines * 0.95) return false;
  const labels = new Set(wide.flatMap((fields) => [...fields.keys()]));
  const fields = wide.reduce((sum, each) => sum + each.size, 0);
  return wide.length === 1 || labels.size * 2 <= fields;
}

function countAbsent(records: readonly ReadonlyMap<string, string>[]): number {
  return records.reduce((sum, fields) => sum + [...fields.values()].filter((value) => value === ABSENT).length, 0);
}

function readColumns(records: readonly ReadonlyMap<string, string>[], nullString: unknown): GuessColumn[] {
  const labels = [...new Set(records.flatMap((fields) => [...fields.keys()]))];
  const names = makeColumnNames(labels);
  return labels.map((label, i) => ({
    name: names[i] as string,
    kind: 'text',
    values: records.map((fields) => {
      const value = fields.get(label);
      return value === undefined || value === nullString ? null : value;
    }),
    ...(names[i] === label ? {} : { extra: { label } }),
  }));
}
