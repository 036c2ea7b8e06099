import type { RunEvent, RunSummary } from '../../core/engine/events.js';

/** What a run tells, as a line of the job's log; undefined for what is not worth one. */
export function describeEvent(event: RunEvent): string | undefined {
  switch (event.event) {
    case 'plan': {
      const size = event.bytes === null ? '' : `, ${event.bytes} bytes to read`;
      const more = [...event.schema_changes, ...event.notes].map((line) => `\n  ${line}`).join('');
      return `${event.pipeline}: ${event.tasks} ${event.tasks === 1 ? 'task' : 'tasks'} into ${event.target}${size}${more}`;
    }
    case 'resume':
      return `${event.pipeline}: run ${event.run_id} is continued, ${event.finished_tasks} of ${event.tasks} tasks had finished`;
    case 'progress': {
      const share = event.fraction === null ? '' : ` (${Math.floor(event.fraction * 100)} %)`;
      const rejected = event.rejected === 0 ? '' : `, ${event.rejected} rejected`;
      return `${event.pipeline}: ${event.rows} rows, ${event.tasks_done} of ${event.tasks} tasks${share}${rejected}`;
    }
    case 'retry':
      return `${event.pipeline}: task ${event.task} is tried again in ${Math.ceil(event.wait_ms / 1000)} s: ${event.error}`;
    case 'note':
      return `${event.pipeline}: ${event.message}`;
    case 'commit':
      return `${event.pipeline}: committing run ${event.run_id}`;
  }
}

export function describeSummary(summary: RunSummary): string {
  if (summary.status === 'up-to-date') return `${summary.pipeline}: nothing new to load into ${summary.target}`;
  const { read, written, filtered, rejected } = summary;
  return (
    `${summary.pipeline}: run ${summary.run_id} ${summary.status} in ${summary.target}: ` +
    `${read} rows read, ${written} written, ${filtered} filtered, ${rejected} rejected in ${summary.seconds.toFixed(1)} s`
  );
}
