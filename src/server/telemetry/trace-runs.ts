import type { RunEvent } from '../../core/engine/events.js';
import type { ObserveStep, RunStep, StepFacts } from '../../core/engine/steps.js';
import type { Attributes, SpanStart, Tracer } from '../../core/telemetry/index.js';

/** Systems of https://opentelemetry.io/docs/specs/semconv/database/ that outputs write to, by the output's type. */
const DATABASES: Readonly<Record<string, string>> = { postgresql: 'postgresql', mysql: 'mysql' };
const REMOTE = new Set(['postgresql', 'mysql', 's3', 'sftp', 'http']);

const ROWS = ['read', 'added', 'written', 'filtered', 'rejected'] as const;

/** Makes a span of each part of a run. */
export function createStepTracer(tracer: Tracer): ObserveStep {
  return (step, work, facts) => {
    const { name, start } = describe(step);
    return tracer.trace(name, start, async (span) => {
      const result = await work();
      if (facts) span.set(attributesOf(facts(result)));
      return result;
    });
  };
}

/** What happens to the part of a run that is at work. */
export function traceRunEvent(tracer: Tracer, event: RunEvent): void {
  if (event.event === 'retry') tracer.event('retry', { 'sluice.attempt': event.attempt, 'sluice.wait_ms': event.wait_ms });
  if (event.event === 'resume')
    tracer.event('resume', { 'sluice.run.id': event.run_id, 'sluice.tasks.finished': event.finished_tasks, 'sluice.tasks': event.tasks });
}

function describe(step: RunStep): { readonly name: string; readonly start: SpanStart } {
  switch (step.step) {
    case 'run':
      return { name: `run ${step.pipeline}`, start: { attributes: { 'sluice.pipeline': step.pipeline, 'sluice.stream': step.stream } } };
    case 'plan':
      return { name: 'plan', start: { attributes: { 'sluice.pipeline': step.pipeline } } };
    case 'task':
      return { name: 'task', start: { attributes: { 'sluice.pipeline': step.pipeline, 'sluice.run.id': step.run_id, 'sluice.task': step.task } } };
    case 'checks':
      return { name: 'checks', start: { attributes: { 'sluice.pipeline': step.pipeline, 'sluice.run.id': step.run_id } } };
    case 'commit': {
      const { run_id, target, type } = step;
      const attributes = { 'sluice.run.id': run_id, 'sluice.target': target, 'sluice.output.type': type, 'db.system.name': DATABASES[type] };
      return { name: 'commit', start: { kind: REMOTE.has(type) ? 'client' : 'internal', attributes } };
    }
    case 'clean-up':
      return { name: 'clean-up', start: { attributes: { 'sluice.run.id': step.run_id } } };
  }
}

function attributesOf(facts: StepFacts): Attributes {
  const { run_id, status, target, tasks, bytes, bytes_read, bytes_written, files_written } = facts;
  const all: Record<string, string | number | null | undefined> = {
    'sluice.run.id': run_id,
    'sluice.run.status': status,
    'sluice.target': target,
    'sluice.tasks': tasks,
    'sluice.bytes.planned': bytes,
    'sluice.bytes.read': bytes_read,
    'sluice.bytes.written': bytes_written,
    'sluice.files.written': files_written,
  };
  for (const name of ROWS) all[`sluice.rows.${name}`] = facts[name];
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, value ?? undefined]));
}
