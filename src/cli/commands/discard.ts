import type { Command } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { findRun } from '../find-run.js';
import { formatCountOf } from '../format.js';
import { reloadPipeline } from '../reload-pipeline.js';
import { withSession } from '../session.js';

export const command: Command = {
  name: 'discard',
  usage: 'RUN',
  summary: 'End a held, failed or cancelled run without a commit: its files go, the state stays.',
  details: 'On a terminal it asks before finished tasks are thrown away.',
  options: { yes: YES_OPTION },
  examples: ['sluice discard 20260101T093000-1f2e3d4c'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const { checkDiscardable, discardRun } = await import('../../core/engine/held.js');
      const store = await session.metastore();
      const run = await findRun(store, context.args[0] ?? '');
      checkDiscardable(run);
      const pipeline = await reloadPipeline(context, session, run);
      const finished = (await store.finishedTasks(run.runId)).length;
      // Nothing that is in a table goes, so a script need not say --yes.
      if (context.out.isTerminal && finished > 0) {
        await confirm(context, `sluice discard ${run.runId}`, `Throw away ${formatCountOf(finished, 'finished task')} of ${run.key.pipeline}?`);
      }
      await discardRun(pipeline, run.runId, await session.services((event) => context.out.event(event)));
      if (context.out.json) await context.out.printJson({ event: 'discard', run_id: run.runId, pipeline: run.key.pipeline });
      else context.out.say(`discarded run ${run.runId} of ${run.key.pipeline}; its files are gone, the state is as before`);
      return 0;
    }),
};
