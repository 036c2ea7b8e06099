import { openSessionAt, type Session, type SessionContext } from '../cli/session.js';
import type { Environment } from '../cli/environment.js';
import type { ProjectConfig, ScheduleDefinition } from '../core/config/index.js';
import { ConfigError } from '../core/spi/index.js';
import type { HttpPipeline } from './http/index.js';
import { listPipelines } from './http/project-pipelines.js';
import { loadProjectSchedules } from './schedule/load-schedules.js';
import { upkeepSchedule } from './upkeep-schedule.js';

/** What a project says about serving, as it was last read without a problem. */
export interface Served {
  readonly project: ProjectConfig;
  readonly schedules: readonly ScheduleDefinition[];
  readonly pipelines: readonly HttpPipeline[];
}

export interface LoadOptions {
  readonly context: SessionContext;
  readonly environment: Pick<Environment, 'env' | 'cwd'>;
}

/** Reads the project with all that `serve` runs by itself. Errors: ConfigErrors, with every problem found. */
export async function loadServed(session: Session, { environment }: Pick<LoadOptions, 'environment'>): Promise<Served> {
  const { project, registry } = session;
  const own = await loadProjectSchedules(project, { registry, ...environment });
  for (const { name, notify } of own) checkNotify(project, name, notify);
  const schedules = [...own, ...upkeepSchedule(project, own)];
  return { project, schedules, pipelines: await listPipelines(project.root, { registry, project, env: environment.env }) };
}

/** Reads a project again. What a process opens once cannot change: ConfigError SERVE_RESTART. */
export async function reloadServed(before: Served, options: LoadOptions): Promise<Served> {
  const session = await openSessionAt(options.context, before.project.root, options.environment);
  for (const key of ['metastore', 'storage', 'catalog'] as const)
    if (JSON.stringify(session.project[key]) !== JSON.stringify(before.project[key]))
      throw new ConfigError({
        code: 'SERVE_RESTART',
        message: `${key} of sluice.yml changed, which needs a new start`,
        hint: 'restart sluice serve',
        where: session.project.locate([key]),
      });
  return loadServed(session, options);
}

function checkNotify(project: ProjectConfig, schedule: string, names: readonly string[]): void {
  const known = Object.keys(project.serve.notify);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ConfigError({
    code: 'NOTIFY_UNKNOWN',
    message: `schedule ${schedule}: notify: there is no ${unknown} in serve.notify`,
    hint: known.length === 0 ? 'sluice.yml has no serve.notify' : `known: ${known.join(', ')}`,
  });
}
