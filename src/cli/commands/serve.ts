import type { Command, CommandContext } from '../command.js';
import { openSession } from '../session.js';
import { formatCountOf } from '../format.js';
import type { Serving } from '../../server/serve.js';

export const command: Command = {
  name: 'serve',
  usage: '',
  summary: 'Run the schedules and jobs of the project, and answer its HTTP API, until told to stop.',
  details:
    'SIGTERM and Ctrl-C drain: running jobs may end for serve.drain_secs, then they go back into the queue. Changed config files are read ' +
    'again by themselves. Several processes share the work when the metastore is PostgreSQL.',
  options: {},
  examples: ['sluice serve', 'sluice serve --project /srv/shop --log-format json'],
  arity: [0, 0],
  logLevel: 'info',
  run: async (context) => {
    const { serve } = await import('../../server/serve.js');
    const { loadServed } = await import('../../server/load-served.js');
    const { environment, out, signal } = context;
    const first = await openSession(context);
    const { root } = first.project;
    let session: typeof first | undefined = first;
    await serve({
      env: environment.env,
      clock: environment.clock,
      log: out.logger,
      signal,
      async load(store) {
        const served = await loadServed({ context, root, environment }, session, store);
        session = undefined;
        return served;
      },
      started: (serving) => startFront(context, serving),
    });
    out.say('stopped');
    return 0;
  },
};

async function startFront({ out }: CommandContext, serving: Serving): Promise<{ close(): Promise<void> }> {
  const { name } = serving.served().session.project;
  out.logger.log('info', `serving ${name} with ${formatCountOf(serving.workers, 'worker')}`);
  return Promise.resolve({ close: () => Promise.resolve() });
}
