import type { Command } from '../command.js';
import { findRun } from '../find-run.js';
import { ProgressPrinter } from '../progress.js';
import { reloadPipeline } from '../reload-pipeline.js';
import { withSession } from '../session.js';
import { printSummaries } from './run.js';

export const command: Command = {
  name: 'commit',
  usage: 'RUN',
  summary: 'Commit a run that `run --hold` stopped before its commit.',
  options: {},
  examples: ['sluice commit 20260101T093000-1f2e3d4c', 'sluice commit latest'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const { checkCommittable, commitHeld } = await import('../../core/engine/held.js');
      const run = await findRun(await session.metastore(), context.args[0] ?? '');
      // Before its config is looked for, which statements of SQL have none of.
      checkCommittable(run);
      const pipeline = await reloadPipeline(context, session, run);
      const progress = new ProgressPrinter(context.out, context.environment.clock);
      const summary = await commitHeld(pipeline, run.runId, await session.services((event) => progress.show(event)));
      await printSummaries(context, [summary]);
      return 0;
    }),
};
