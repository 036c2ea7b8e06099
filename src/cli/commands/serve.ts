import type { Command } from '../command.js';
import { openSession } from '../session.js';

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
  async run(context) {
    const { serve } = await import('../../server/serve.js');
    const { environment, out, signal } = context;
    const session = await openSession(context);
    const { name } = session.project;
    await serve({
      session,
      context,
      environment,
      log: out.logger,
      signal,
      onStart: ({ workers, schedules, address }) =>
        out.logger.log('info', `serving ${name}`, { workers, schedules, http: address ?? 'off', pid: process.pid }),
    });
    out.logger.log('info', 'stopped');
    return 0;
  },
};
