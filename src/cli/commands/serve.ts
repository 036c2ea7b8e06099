import type { Command, CommandContext } from '../command.js';
import { openServeTraces } from '../../server/telemetry/open-tracing.js';
import { openSession, type SessionContext } from '../session.js';

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
    const traces = await openServeTraces(environment.env, out.logger);
    const below: CommandContext & SessionContext = { ...context, tracer: traces?.tracer };
    try {
      const session = await openSession(below);
      const { name } = session.project;
      await serve({
        session,
        context: below,
        environment,
        log: out.logger,
        signal,
        traces,
        onStart: ({ workers, schedules, address }) =>
          out.logger.log('info', `serving ${name}`, { workers, schedules, http: address ?? 'off', pid: process.pid }),
      });
    } finally {
      await traces?.close();
    }
    out.logger.log('info', 'stopped');
    return 0;
  },
};
