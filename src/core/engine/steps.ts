import type { CommitContext } from '../spi/index.js';

/** A part of a run that takes time, as it is known when it begins. */
export type RunStep =
  | { readonly step: 'run'; readonly pipeline: string; readonly stream: string | undefined }
  | { readonly step: 'plan'; readonly pipeline: string }
  | { readonly step: 'task'; readonly pipeline: string; readonly run_id: string; readonly task: number }
  | { readonly step: 'checks'; readonly pipeline: string; readonly run_id: string }
  | { readonly step: 'commit'; readonly run_id: string; readonly target: string; readonly type: string }
  | { readonly step: 'clean-up'; readonly run_id: string };

/** Figures of a part that has ended well; names as in the run's summary. */
export type StepFacts = { readonly [name: string]: string | number | null };

/**
 * Runs a part of a run and may watch it: a composition that measures gives one to the engine. It must call `work` once, hand on what
 * comes of it, and neither wait nor throw by itself.
 */
export type ObserveStep = <T>(step: RunStep, work: () => Promise<T>, facts?: (result: T) => StepFacts) => Promise<T>;

/** Nobody watches. */
export const unobserved: ObserveStep = (_step, work) => work();

/** A commit that may have several targets in it, each a part of its own. */
export interface ObservedCommit extends CommitContext {
  readonly observe?: ObserveStep | undefined;
}
