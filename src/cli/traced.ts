import { openTracingIfWanted } from '../server/telemetry/open-tracing.js';
import type { CommandContext } from './command.js';
import type { SessionContext } from './session.js';

/** Runs a verb as a trace, or as a part of the one that TRACEPARENT names, where the environment asks for traces. */
export async function traced(context: CommandContext, verb: string, work: (context: CommandContext) => Promise<number>): Promise<number> {
  const { environment, out } = context;
  const tracing = await openTracingIfWanted(environment.env, out.logger);
  if (!tracing) return work(context);
  const { tracer, caller } = tracing;
  try {
    return await tracer.trace(`sluice ${verb}`, { parent: caller ?? null }, async (span) => {
      const below: CommandContext & Pick<SessionContext, 'tracer'> = { ...context, tracer };
      const code = await work(below);
      span.set({ 'process.exit.code': code });
      return code;
    });
  } finally {
    await tracing.close();
  }
}
