import type { ScheduleDefinition } from '../../../core/config/index.js';
import type { JsonObject, ScheduleRecord, SlaMiss } from '../../../core/spi/index.js';
import { checkPeriod, extraJob, periodJob } from '../../schedule/schedule-jobs.js';
import { invalidRequest, notFound } from '../problem.js';
import { formatTime, readTime } from '../read-time.js';
import type { Call, Route } from '../route.js';
import { PARAMS, count, flag, limit, list, name, object, orNull, text, time } from '../schemas.js';

const NAME = { type: 'object', additionalProperties: false, required: ['name'], properties: { name: name('Of the schedule.') } } as const;

const SCHEDULE = {
  name: text(''),
  kind: text('pipeline, sql, export or maintain.'),
  cron: text(''),
  timezone: text('IANA name.'),
  enabled: flag('As its definition says.'),
  paused: flag('By hand.'),
  next_time: orNull(text('Nominal, ISO 8601.')),
  due_at: orNull(text('When it is due: nominal time plus delay.')),
  priority: count(''),
  tags: list(text(''), ''),
  sla: orNull(
    object({
      finish_within_secs: orNull({ type: 'number', description: 'Each time has succeeded so long after it.' }),
      max_age_secs: orNull({ type: 'number', description: 'The last success is never older.' }),
    }),
  ),
  sla_missed: orNull(
    object({
      kind: text('finish_within or max_age.'),
      nominal_time: orNull(text('That had to succeed.')),
      deadline: text('When a success was due.'),
      missed_at: text('When that was found.'),
    }),
  ),
};

export const SCHEDULE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/schedules',
    name: 'listSchedules',
    tag: 'schedules',
    summary: 'List schedules.',
    scope: 'read',
    allDatabases: true,
    query: { type: 'object', additionalProperties: false, properties: { tag: name('Only with this tag.') } },
    answer: { status: 200, description: 'Schedules by name.', schema: object({ schedules: list(object(SCHEDULE), 'Schedules.') }) },
    async handle({ services, query }) {
      const [records, open] = await Promise.all([services.store.listSchedules(), services.store.listSlaMisses({ open: true })]);
      const byName = new Map(records.map((record) => [record.name, record]));
      const missed = new Map(open.map((miss) => [miss.schedule, miss]));
      const { tag } = query;
      const wanted = services.schedules().filter(({ tags }) => tag === undefined || tags.includes(String(tag)));
      return { json: { schedules: wanted.map((schedule) => scheduleFacts(schedule, byName.get(schedule.name), missed.get(schedule.name))) } };
    },
  },
  {
    method: 'GET',
    path: '/api/v1/schedules/{name}',
    name: 'getSchedule',
    tag: 'schedules',
    summary: 'Show a schedule.',
    scope: 'read',
    allDatabases: true,
    params: NAME,
    answer: {
      status: 200,
      description: 'The schedule.',
      schema: object({
        ...SCHEDULE,
        delay_secs: { type: 'number' },
        catch_up: text('all, latest or none.'),
        overlap: text('skip, queue, allow or cancel_previous.'),
        timeout_secs: orNull({ type: 'number' }),
        retries: count('Tries after the first one.'),
        depends_on: list(text(''), 'Schedules whose success it waits for.'),
        parameters: list(text(''), 'Names that `run` takes values for.'),
      }),
    },
    async handle(call) {
      const schedule = findSchedule(call);
      const { store } = call.services;
      const [missed] = await store.listSlaMisses({ schedule: schedule.name, open: true, limit: 1 });
      return {
        json: {
          ...scheduleFacts(schedule, await store.getSchedule(schedule.name), missed),
          delay_secs: schedule.delaySecs,
          catch_up: schedule.catchUp,
          overlap: schedule.overlap,
          timeout_secs: schedule.timeoutSecs,
          retries: schedule.retries.limit,
          depends_on: [...schedule.dependsOn],
          parameters: Object.keys(parametersOf(schedule)),
        },
      };
    },
  },
  {
    method: 'POST',
    path: '/api/v1/schedules/{name}/run',
    name: 'runSchedule',
    tag: 'schedules',
    summary: 'Run a schedule now, as a job of its own: its times stay as they are.',
    scope: 'write',
    allDatabases: true,
    params: NAME,
    body: {
      type: 'object',
      additionalProperties: false,
      properties: {
        at: time('One of its nominal times, whose period is run once more. Default: a further run that is of no period.'),
        append_again: flag('With `at`: rows may be added a second time.'),
        params: { ...PARAMS, description: 'Values for parameters that the schedule declares.' },
      },
    },
    answer: { status: 202, description: 'The job is queued.', schema: object({ job_id: text('Of the job.') }) },
    async handle(call) {
      const { services, body } = call;
      const definition = withParameters(findSchedule(call), (body['params'] ?? {}) as JsonObject);
      const at = readTime(body['at'], 'body.at');
      if (at !== undefined) checkPeriod(definition, at);
      const job =
        at === undefined
          ? extraJob(definition, await services.store.now())
          : periodJob(definition, at, { trigger: 'api', appendAgain: body['append_again'] === true });
      return { json: { job_id: await services.enqueue({ ...job, trigger: 'api' }) } };
    },
  },
  ...([true, false] as const).map((paused): Route => ({
    method: 'POST',
    path: `/api/v1/schedules/{name}/${paused ? 'pause' : 'resume'}`,
    name: paused ? 'pauseSchedule' : 'resumeSchedule',
    tag: 'schedules',
    summary: paused ? 'Hold a schedule: its times pass without a job.' : 'Let a schedule go on.',
    scope: 'write',
    allDatabases: true,
    params: NAME,
    answer: { status: 200, description: 'Done, or it was so before.', schema: object({ name: text(''), paused: flag('') }) },
    async handle(call) {
      const schedule = findSchedule(call);
      await call.services.store.pauseSchedule(schedule.name, paused);
      return { json: { name: schedule.name, paused } };
    },
  })),
  {
    method: 'GET',
    path: '/api/v1/schedules/{name}/history',
    name: 'getScheduleHistory',
    tag: 'schedules',
    summary: 'What became of the nominal times of a schedule, newest first.',
    scope: 'read',
    allDatabases: true,
    params: NAME,
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { from: time('Only from this nominal time on.'), to: time('Only before this nominal time.'), limit: limit(1000, 100) },
    },
    answer: {
      status: 200,
      description: 'Nominal times.',
      schema: object({
        history: list(
          object({ nominal_time: text(''), outcome: text('queued, or why no job was made.'), job_id: orNull(text('')), recorded_at: text('') }),
          'Newest first.',
        ),
      }),
    },
    async handle(call) {
      const schedule = findSchedule(call);
      const from = readTime(call.query['from'], 'query.from');
      const to = readTime(call.query['to'], 'query.to');
      const firings = await call.services.store.listFirings(schedule.name, {
        limit: Number(call.query['limit']),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
      return {
        json: {
          history: firings.map((firing) => ({
            nominal_time: formatTime(firing.nominalTime),
            outcome: firing.outcome,
            job_id: firing.jobId,
            recorded_at: formatTime(firing.recordedAt),
          })),
        },
      };
    },
  },
];

function findSchedule({ services, params }: Call): ScheduleDefinition {
  const wanted = params['name'] ?? '';
  const schedule = services.schedules().find((one) => one.name === wanted);
  if (!schedule) throw notFound(`schedule ${JSON.stringify(wanted)}`, 'GET /api/v1/schedules lists them');
  return schedule;
}

function scheduleFacts(schedule: ScheduleDefinition, record: ScheduleRecord | undefined, missed: SlaMiss | undefined): JsonObject {
  return {
    name: schedule.name,
    kind: schedule.payload.kind,
    cron: schedule.cron,
    timezone: schedule.timezone,
    enabled: schedule.enabled,
    paused: record?.paused ?? false,
    next_time: formatTime(record?.nextTime ?? null),
    due_at: formatTime(record?.dueAt ?? null),
    priority: schedule.priority,
    tags: [...schedule.tags],
    sla: schedule.sla && { finish_within_secs: schedule.sla.finishWithinSecs, max_age_secs: schedule.sla.maxAgeSecs },
    sla_missed: missed
      ? {
          kind: missed.kind,
          nominal_time: missed.kind === 'finish_within' ? formatTime(missed.nominalTime) : null,
          deadline: formatTime(missed.deadline),
          missed_at: formatTime(missed.missedAt),
        }
      : null,
  };
}

/** Those with a value in the definition: what is not declared cannot be set. */
function parametersOf({ payload }: ScheduleDefinition): JsonObject {
  return (payload.kind === 'sql' && payload.params) || {};
}

function withParameters(definition: ScheduleDefinition, given: JsonObject): ScheduleDefinition {
  const declared = parametersOf(definition);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(declared, key));
  if (unknown !== undefined)
    throw invalidRequest(
      `body.params: the schedule ${definition.name} declares no such parameter`,
      `declared: ${Object.keys(declared).join(', ') || 'none'}`,
    );
  const { payload } = definition;
  return payload.kind === 'sql' && payload.params ? { ...definition, payload: { ...payload, params: { ...declared, ...given } } } : definition;
}
