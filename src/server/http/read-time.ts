import { invalidRequest } from './problem.js';

/** Milliseconds since 1970 of a time that passed the schema `time`. Errors: HttpError 400 for days and hours that do not exist. */
export function readTime(text: unknown, place: string): number | undefined {
  if (typeof text !== 'string') return undefined;
  const at = Date.parse(text);
  // Date.parse takes 2026-02-31 for the 3rd of March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text.slice(0, 10))
    throw invalidRequest(`${place}: there is no such time`, 'write it as 2026-01-31T00:00:00Z');
  return at;
}

export function formatTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
