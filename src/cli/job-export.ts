import { ConfigError, type JobRecord, type NewJob } from '../core/spi/index.js';
import { parseResultUrl } from '../plugins/shared/result-url/index.js';
import { findResult } from '../server/runner/kept-results.js';
import { runHere } from '../server/runner/run-here.js';
import type { CommandContext } from './command.js';
import { followLog } from './job-log.js';
import type { Session } from './session.js';

/** Sends the kept result of a job as a job of its own, which is followed; without a `serve` this process runs it. */
export async function exportJobResult(context: CommandContext, session: Session, source: JobRecord, to: string): Promise<number> {
  const { out, environment, signal } = context;
  const store = await session.metastore();
  await findResult(source, await store.now());
  const target = parseResultUrl(to, {
    connectionType(name) {
      const known = Object.hasOwn(session.project.connections, name) ? session.project.connections[name] : undefined;
      return typeof known?.['type'] === 'string' ? known['type'] : undefined;
    },
  });
  out.hide(Object.values(target.secrets));
  if (Object.keys(target.secrets).length > 0)
    throw new ConfigError({
      code: 'JOB_SECRET',
      message: 'a job holds no secrets, and the target has a password',
      hint: 'put it into a connection of sluice.yml, then --to NAME:table?mode=...',
    });
  const connection = target.out['connection'];
  const job: NewJob = {
    kind: 'export',
    name: `export:${source.name}`,
    payload: { kind: 'export', fromJob: source.id, out: target.out },
    trigger: 'job',
    nominalTime: null,
    priority: 0,
    notBefore: 0,
    maxAttempts: 3,
    retryWait: { initialMs: 10_000, maxMs: 60_000 },
    timeoutMs: null,
    uses: typeof connection === 'string' ? [connection] : [],
    parentId: source.id,
    tags: source.tags,
  };
  const id = await store.addJob(job);
  if (out.json) await out.printJson({ event: 'job.export', job_id: id, of: source.id });
  else out.say(`job ${id} sends the result of ${source.id} to ${target.name}`);
  if ((await store.countServers()) === 0)
    await runHere({ session, store, env: environment.env, clock: environment.clock, log: out.logger, signal }, id);
  const made = await store.getJob(id);
  return made ? followLog(context, store, made, true) : 0;
}
