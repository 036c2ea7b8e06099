import { loadSchedules, type ProjectConfig, type ScheduleDefinition, type ScheduleOptions } from '../../core/config/index.js';
import { ConfigError, type JsonObject } from '../../core/spi/index.js';
import { rewriteSigned } from '../../embulk/index.js';
import { parseResultUrl } from '../../plugins/shared/result-url/index.js';

/** The schedules of a project; `out` may be a result URL. Errors: ConfigErrors with all problems. */
export function loadProjectSchedules(
  project: ProjectConfig,
  options: Omit<ScheduleOptions, 'readTarget' | 'rewrite'>,
): Promise<readonly ScheduleDefinition[]> {
  return loadSchedules(project, { ...options, readTarget: (url) => readTarget(url, project), rewrite: rewriteSigned });
}

function readTarget(url: string, project: ProjectConfig): JsonObject {
  const { out, secrets } = parseResultUrl(url, {
    connectionType(name) {
      const known = Object.hasOwn(project.connections, name) ? project.connections[name] : undefined;
      return typeof known?.['type'] === 'string' ? known['type'] : undefined;
    },
  });
  if (Object.keys(secrets).length === 0) return out;
  throw new ConfigError({
    code: 'SCHEDULE_SECRET',
    message: 'a schedule holds no secrets',
    hint: 'put the target into a connection of sluice.yml and write NAME:table?mode=... here',
  });
}
