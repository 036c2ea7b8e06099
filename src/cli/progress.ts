import type { RunEvent } from '../core/engine/events.js';
import type { Clock } from '../core/spi/index.js';
import { formatBytes, formatCount, formatSeconds } from './format.js';
import type { Output } from './output.js';

const LINE_EVERY_MS = 5000;
const LIVE_EVERY_MS = 200;

/** Shows events of runs: one live line on a terminal, a line every few seconds elsewhere, JSON lines with --json. */
export class ProgressPrinter {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #lastPrinted = 0;
  #live = false;
  readonly #resumed = new Set<string>();

  constructor(out: Output, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#lastPrinted = this.#startedAt;
    out.beforePrint = () => this.clear();
  }

  show(event: RunEvent): void {
    if (this.#out.logJson) {
      if (event.event !== 'progress' || this.#due(LINE_EVERY_MS)) this.#out.event(event);
      return;
    }
    switch (event.event) {
      case 'plan':
        // After a run that was continued comes a look for what is new since; that there is nothing goes without saying.
        if (event.tasks === 0 && this.#resumed.has(event.pipeline)) return;
        this.#out.say(
          `${event.pipeline} → ${event.target}: ${formatCount(event.tasks)} ${event.tasks === 1 ? 'task' : 'tasks'}${event.bytes === null ? '' : `, ${formatBytes(event.bytes)}`}`,
        );
        for (const change of event.schema_changes) this.#out.say(`  schema: ${change}`);
        for (const note of event.notes) this.#out.say(`  note: ${note}`);
        return;
      case 'resume':
        this.#resumed.add(event.pipeline);
        this.#out.say(`${event.pipeline}: continuing run ${event.run_id} (${event.finished_tasks} of ${event.tasks} tasks were finished)`);
        return;
      case 'retry':
        this.#out.say(`${event.pipeline}: task ${event.task} is tried again in ${formatSeconds(event.wait_ms / 1000)}: ${event.error}`);
        return;
      case 'note':
        this.#out.say(`note: ${event.message}`);
        return;
      case 'commit':
        return;
      case 'progress':
        this.#progress(event);
        return;
    }
  }

  clear(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#out.raw('\r\u001b[K');
  }

  #progress(event: Extract<RunEvent, { event: 'progress' }>): void {
    if (!this.#due(this.#out.isTerminal ? LIVE_EVERY_MS : LINE_EVERY_MS)) return;
    const elapsed = (this.#clock.now() - this.#startedAt) / 1000;
    const share = event.fraction === null ? '' : `${Math.floor(event.fraction * 100)} %  `;
    const rate = elapsed > 0 && event.bytes > 0 ? `  ${formatBytes(event.bytes / elapsed)}/s` : '';
    const rejected = event.rejected > 0 ? `  ${formatCount(event.rejected)} rejected` : '';
    const guessed = event.tasks_done < event.tasks;
    const rows = guessed && event.rows === 0 ? '' : `${guessed ? '~' : ''}${formatCount(event.rows)} rows  `;
    const line = `${event.pipeline}  ${share}${event.tasks_done}/${event.tasks} tasks  ${rows}${formatBytes(event.bytes)}${rate}${rejected}  ${formatSeconds(elapsed)}`;
    if (this.#out.isTerminal) {
      this.#out.raw(`\r\u001b[K${line}`);
      this.#live = true;
    } else this.#out.say(line);
  }

  #due(every: number): boolean {
    const now = this.#clock.now();
    if (now - this.#lastPrinted < every) return false;
    this.#lastPrinted = now;
    return true;
  }
}
