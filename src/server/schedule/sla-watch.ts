import type { ScheduleDefinition } from '../../core/config/index.js';
import type { JobStore, NewMessage, SlaChanges, SlaMiss } from '../../core/spi/index.js';
import { judgeSla, type SlaStore } from './judge-sla.js';
import { describePromise } from './promise-text.js';

export interface SlaWatchOptions {
  readonly store: SlaStore & Pick<JobStore, 'dueSlas' | 'stepSla'> & { /** The database's clock. */ now(): Promise<number> };
  /** As of now; a reload of the config gives another list. */
  definitions(): readonly ScheduleDefinition[];
  /** What people must be told, to be recorded with the event. */
  tell?(event: SlaEvent): readonly NewMessage[];
}

/** A promise that was found missed, or made good after that. */
export interface SlaEvent {
  readonly event: 'sla_missed' | 'sla_met';
  readonly sla: { readonly miss: SlaMiss; readonly promise: string; readonly tags: readonly string[] };
}

const AT_ONCE = 200;

/** Looks after the promises of schedules. Any number of these may work on one store: each event is answered to one of them. */
export class SlaWatch {
  readonly #options: SlaWatchOptions;

  constructor(options: SlaWatchOptions) {
    this.#options = options;
  }

  /** After a tick of the scheduler: what it has to decide is not judged before. */
  async check(): Promise<readonly SlaEvent[]> {
    const { store, definitions, tell = () => [] } = this.#options;
    const promising = new Map(
      definitions()
        .filter(({ slaHash }) => slaHash !== '')
        .map((definition) => [definition.name, definition]),
    );
    if (promising.size === 0) return [];
    const due = await store.dueSlas(AT_ONCE);
    if (due.length === 0) return [];
    const now = await store.now();
    const events: SlaEvent[] = [];
    for (const record of due) {
      const definition = promising.get(record.name);
      // Another process knows a newer definition.
      if (definition?.slaHash !== record.slaHash || definition.timesHash !== record.definitionHash) continue;
      const eventsOf = ({ missed, met }: SlaChanges): readonly SlaEvent[] => [
        ...missed.map((miss) => eventOf('sla_missed', miss, definition)),
        ...met.map((miss) => eventOf('sla_met', miss, definition)),
      ];
      const found = await store.stepSla(await judgeSla(record, definition, now, store), (changes) => eventsOf(changes).flatMap(tell));
      events.push(...eventsOf(found));
    }
    return events;
  }
}

function eventOf(event: SlaEvent['event'], miss: SlaMiss, { sla, tags }: ScheduleDefinition): SlaEvent {
  return { event, sla: { miss, promise: describePromise(miss.kind, sla), tags } };
}
