import type { ProjectConfig, ScheduleDefinition } from '../core/config/index.js';
import { parseCron } from '../core/schedule/cron-expression.js';
import { openZone } from '../core/schedule/zoned-time.js';
import { ConfigError } from '../core/spi/index.js';

const UPKEEP = 'maintain';

/** The schedule of `serve.maintain`: upkeep of tables, once however many processes serve. A schedule of that name takes its place. */
export function upkeepSchedule(project: ProjectConfig, schedules: readonly ScheduleDefinition[]): readonly ScheduleDefinition[] {
  const { maintain } = project.serve;
  if (!maintain || schedules.some(({ name }) => name === UPKEEP)) return [];
  const { cron, timezone } = maintain;
  const read = <T>(key: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const where = project.locate(['serve', 'maintain', key]);
      throw new ConfigError({
        code: error.code,
        message: `serve.maintain.${key}: ${error.message}`,
        where,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  };
  return [
    {
      name: UPKEEP,
      place: project.locate(['serve', 'maintain']),
      cron,
      timezone,
      times: { cron: read('cron', () => parseCron(cron)), zone: read('timezone', () => openZone(timezone)) },
      delaySecs: 0,
      catchUp: 'latest',
      overlap: 'skip',
      timeoutSecs: null,
      retries: { limit: 2, initialWaitSecs: 60, maxWaitSecs: 600 },
      dependsOn: [],
      enabled: true,
      priority: -1,
      tags: [],
      sla: null,
      slaHash: '',
      notify: [],
      connections: [],
      payload: { kind: 'maintain' },
      keepsState: [],
      appends: [],
      hash: `${cron} ${timezone}`,
      timesHash: `${cron} ${timezone}`,
    },
  ];
}
