import type { Scaffold } from './scaffold.js';

/** An input that counts: small enough to read, with tasks and a state like a real one. */
export const inputScaffold: Scaffold = {
  index: (type) => `// @ts-check
import { defineInput } from 'sluice/spi';

/** @typedef {{ type: string, last: number, rows_per_task: number }} Config */

/** @type {import('sluice/spi').SourceColumn[]} */
const columns = [
  { name: 'id', type: 'long' },
  // With \`text\` the engine converts texts by its strict rules, and rejects what does not convert.
  { name: 'at', type: 'timestamp', text: { timezone: 'UTC' } },
  { name: 'note', type: 'string' },
];

export default defineInput(
  /** @type {import('sluice/spi').InputPlugin<Config>} */ ({
    kind: 'input',
    form: 'tasks',
    type: '${type}',
    summary: 'Counts up to a number; replace it with rows of your source.',
    stability: 'experimental',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'last'],
      properties: {
        type: { const: '${type}', description: 'Selects this input.' },
        last: { type: 'integer', minimum: 0, description: 'The last number.' },
        rows_per_task: { type: 'integer', minimum: 1, default: 1000, description: 'Rows that are read, and read again after a crash, together.' },
      },
    },
    examples: [{ title: 'Three rows', config: { type: '${type}', last: 3 } }],

    // Once: split the work. Tasks and notes are stored as JSON; a run that is continued uses the stored ones.
    async plan(config, ctx) {
      const loaded = ctx.useState ? Number(ctx.state ?? 0) : 0;
      const tasks = [];
      for (let from = loaded + 1; from <= config.last; from += config.rows_per_task) {
        tasks.push({ from, to: Math.min(config.last, from + config.rows_per_task - 1) });
      }
      return { columns, tasks, notes: loaded > 0 ? [\`numbers after \${loaded}\`] : [] };
    },

    // For each task, two at a time: hand over rows in batches. A number beyond 2^53 is a string or a bigint.
    async open(task, plan, _config, ctx) {
      async function* batches() {
        for (let id = Number(task.from); id <= Number(task.to); id++) {
          ctx.signal.throwIfAborted();
          yield [[id, '2026-01-01 00:00:00', id % 2 === 0 ? 'even' : null]];
        }
      }
      return { form: 'rows', columns: plan.columns, source: \`numbers \${task.from} to \${task.to}\`, batches };
    },

    // Once, inside the commit: what the next run starts behind.
    nextState: (plan, state) => plan.tasks.at(-1)?.to ?? state,
  }),
);
`,
  test: (type) => `import { test } from 'node:test';
import { checkInput } from 'sluice/conformance';
import plugin from './index.js';

test('keeps the contract of an input', async () => {
  const at = '2026-01-01 00:00:00+00';
  await checkInput(plugin, [
    { title: 'three rows', config: { type: '${type}', last: 3 }, rows: [['1', at, null], ['2', at, 'even'], ['3', at, null]], state: 3 },
    { title: 'several tasks', config: { type: '${type}', last: 3, rows_per_task: 2 }, rows: [['1', at, null], ['2', at, 'even'], ['3', at, null]] },
    { title: 'nothing', config: { type: '${type}', last: 0 }, rows: [] },
  ]);
});
`,
  pipeline: (type) => `in: {type: ${type}, last: 3}
out: {type: warehouse, table: demo.${type}}
`,
};
