import { BugError, ConfigError, defineInput, quoteIdentifier, type ConfigPlace, type Reading, type SourceColumn } from '../../core/spi/index.js';
import { randomInputSchema } from './schema.js';
import { planColumn, type RandomColumn } from './value-sql.js';

export interface RandomInputConfig {
  readonly type: 'random';
  readonly rows: number;
  readonly seed: number;
  readonly tasks: number;
  readonly columns: readonly RandomColumn[];
}

export default defineInput<RandomInputConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'random',
  summary: 'Makes rows up from a seed, for trials and benchmarks.',
  stability: 'stable',
  schema: randomInputSchema,
  examples: [
    {
      title: 'A million orders',
      config: {
        type: 'random',
        rows: 1_000_000,
        seed: 7,
        columns: [
          { name: 'id', type: 'long', sequence: true },
          { name: 'country', type: 'string', values: ['jp', 'us', 'de', null] },
          { name: 'price', type: 'decimal(10,2)', min: 1, max: 500 },
          { name: 'ordered_at', type: 'timestamp', min: '2026-01-01', max: '2026-02-01' },
        ],
      },
    },
  ],

  plan(config, ctx) {
    refuseTwice(config, ctx.place);
    const columns = config.columns.map((column, i) => planColumn(column, i, config.seed, ctx.place).column);
    const tasks = Array.from(
      { length: Math.min(config.tasks, Math.max(1, config.rows)) },
      (_, k, count = Math.min(config.tasks, Math.max(1, config.rows))) => ({
        from: Math.floor((config.rows * k) / count),
        to: Math.floor((config.rows * (k + 1)) / count),
      }),
    );
    return Promise.resolve({ columns, tasks, notes: [] });
  },

  open(task, plan, config) {
    const [from, to] = [Number(task['from']), Number(task['to'])];
    const place: ConfigPlace = { at: (path) => ({ path }) };
    const columns = config.columns.map((column, i) => `${planColumn(column, i, config.seed, place).sql} AS ${quoteIdentifier(column.name)}`);
    const relation = `(SELECT ${columns.join(', ')} FROM range(${from}, ${to}) AS numbers(i))`;
    return Promise.resolve({ form: 'relation', reading: readRelation(relation, plan.columns, to - from) });
  },
});

function readRelation(from: string, columns: readonly SourceColumn[], rows: number): Reading {
  return {
    relation: { from, columns },
    check(seen) {
      if (seen !== rows) throw new BugError({ code: 'RANDOM_ROWS', message: `random: expected ${rows} rows, found ${seen}` });
      return Promise.resolve({ keep: true, read: seen, rejected: 0, rejects: noRejects, files: [] });
    },
    close: () => Promise.resolve(),
  };
}

async function* noRejects(): AsyncGenerator<never> {}

function refuseTwice(config: RandomInputConfig, place: ConfigPlace): void {
  const seen = new Set<string>();
  config.columns.forEach(({ name }, i) => {
    if (seen.has(name.toLowerCase())) {
      throw new ConfigError({
        code: 'DUPLICATE_COLUMN',
        message: `in.columns[${i}].name: "${name}" occurs twice`,
        hint: 'give each column a name of its own',
        where: place.at(`columns[${i}].name`),
      });
    }
    seen.add(name.toLowerCase());
  });
}
