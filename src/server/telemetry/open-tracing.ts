import { areTracesWanted, type Env } from '../../core/telemetry/wanted.js';
import type { Tracing } from '../../core/telemetry/index.js';
import type { Logger } from '../../core/spi/index.js';
import type { JobTraces } from './trace-jobs.js';
import type { RequestTraces } from './trace-requests.js';

/** Opens the traces of this process where its environment asks for them; what makes them is loaded only then. */
export async function openTracingIfWanted(env: Env, log: Logger): Promise<Tracing | undefined> {
  if (!areTracesWanted(env)) return undefined;
  const [{ openTracing }, { version }] = await Promise.all([import('../../core/telemetry/index.js'), import('../../cli/version.js')]);
  return openTracing({ env, log, version: await version() });
}

/** What `sluice serve` traces with. */
export interface ServeTraces extends Tracing {
  readonly jobs: JobTraces;
  readonly requests: RequestTraces;
}

/** As {@link openTracingIfWanted}. */
export async function openServeTraces(env: Env, log: Logger): Promise<ServeTraces | undefined> {
  const tracing = await openTracingIfWanted(env, log);
  if (!tracing) return undefined;
  const [{ JobTraces }, { RequestTraces }] = await Promise.all([import('./trace-jobs.js'), import('./trace-requests.js')]);
  return { ...tracing, jobs: new JobTraces(tracing.tracer), requests: new RequestTraces(tracing.tracer) };
}
