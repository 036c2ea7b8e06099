import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runTempDir } from '../../core/engine/file-source.js';
import { ConflictError, fileSystemError } from '../../core/spi/index.js';
import type { Command } from '../command.js';
import { findRun } from '../find-run.js';
import { reloadPipeline } from '../reload-pipeline.js';
import { withSession } from '../session.js';

export const command: Command = {
  name: 'cleanup',
  usage: 'RUN',
  summary: 'Delete what a run left behind: spool and staged files of one that failed, the temp folder of one that ended.',
  details: 'A failed run is ended by it, as with `discard`. A held run is refused.',
  options: {},
  examples: ['sluice cleanup latest'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const run = await findRun(await session.metastore(), context.args[0] ?? '');
      if (run.status === 'held') {
        throw new ConflictError({
          code: 'RUN_HELD',
          message: `run ${run.runId} is held before its commit`,
          hint: `\`sluice commit ${run.runId}\` or \`sluice discard ${run.runId}\` ends it`,
        });
      }
      const pipeline = await reloadPipeline(context, session, run);
      if (run.status !== 'committed' && run.status !== 'discarded') {
        const { discardRun } = await import('../../core/engine/held.js');
        await discardRun(pipeline, run.runId, await session.services((event) => context.out.event(event)));
      }
      const folder = runTempDir(pipeline.exec.tempDir ?? join(pipeline.root, '.sluice', 'tmp'), run.runId);
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
        throw fileSystemError(error, `deleting ${folder}`);
      });
      if (context.out.json)
        await context.out.printJson({ event: 'cleanup', run_id: run.runId, pipeline: run.key.pipeline, status_before: run.status });
      else context.out.say(`nothing of run ${run.runId} is left outside the table`);
      return 0;
    }),
};
