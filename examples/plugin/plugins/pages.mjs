// An input in the rows form: the pages of an API, here files named page-1.json, page-2.json and so on.
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineInput, fileSystemError } from 'sluice/spi';

const columns = [
  { name: 'id', type: 'long' },
  { name: 'email', type: 'string' },
  { name: 'joined', type: 'date' },
];

async function newPages(folder, last) {
  const names = await readdir(folder).catch((error) => {
    throw fileSystemError(error, `listing ${folder}`);
  });
  const numbers = names.map((name) => Number(/^page-(\d+)\.json$/.exec(name)?.[1] ?? 0));
  return numbers.filter((n) => n > last).sort((a, b) => a - b);
}

export default defineInput({
  kind: 'input',
  type: 'pages',
  form: 'tasks',
  summary: 'Reads numbered pages, each of them once.',
  stability: 'experimental',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['folder'],
    properties: {
      folder: { type: 'string', description: 'Folder of the pages, from the project root.' },
    },
  },
  examples: [{ title: 'All pages', config: { type: 'pages', folder: 'api' } }],

  // Once, before any row moves. The plan is stored as JSON: a continued run does not ask again.
  async plan(config, ctx) {
    const last = ctx.useState ? (ctx.state?.page ?? 0) : 0;
    const pages = await newPages(resolve(ctx.root, config.folder), last);
    return { columns, tasks: pages.map((page) => ({ page })), notes: last > 0 ? [`pages after ${last}`] : [] };
  },

  // Once a task, two at a time; a failed task is opened again.
  async open(task, _plan, config, ctx) {
    const path = resolve(ctx.root, config.folder, `page-${task.page}.json`);
    return {
      form: 'rows',
      columns,
      source: `page ${task.page}`,
      async *batches() {
        ctx.signal.throwIfAborted();
        const rows = JSON.parse(await readFile(path, 'utf8'));
        yield rows.map((row) => columns.map(({ name }) => row[name] ?? null));
      },
    };
  },

  // Stored by the commit, in its transaction.
  nextState(plan, state) {
    const last = plan.tasks.at(-1);
    return last === undefined ? state : { page: last.page };
  },
});
