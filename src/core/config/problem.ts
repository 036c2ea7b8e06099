import { ConfigError } from '../spi/index.js';
import type { ErrorPlace } from '../spi/index.js';

/** All problems of a config at once. Code and hint are those of the first; the message has a line for each. */
export class ConfigErrors extends ConfigError {
  readonly details: readonly ConfigError[];

  constructor(details: readonly [ConfigError, ...ConfigError[]]) {
    const first = details[0];
    super({
      code: first.code,
      message: listMessages(details),
      where: first.where,
      ...(first.hint === undefined ? {} : { hint: first.hint }),
      ...(first.cause === undefined ? {} : { cause: first.cause }),
    });
    this.details = details;
  }
}

/** Beyond so many the user mends the first ones anyway. */
const MAX_LISTED = 50;

function listMessages(details: readonly ConfigError[]): string {
  const lines = details.slice(0, MAX_LISTED).map((problem) => problem.message);
  return [...lines, ...(details.length > MAX_LISTED ? [`and ${details.length - MAX_LISTED} more problems`] : [])].join('\n');
}

export interface ProblemDetails {
  readonly code: string;
  /** What was expected and found, without the place. */
  readonly text: string;
  readonly where: ErrorPlace;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A ConfigError whose message starts with its place: `orders.yml:12:9 in.port: expected integer, found "3306"`. */
export function makeProblem({ code, text, where, hint, cause }: ProblemDetails): ConfigError {
  const place = formatPlace(where);
  return new ConfigError({
    code,
    message: place === '' ? text : `${place}: ${text}`,
    where,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Throws when there is a problem; several are given in the order of the file. */
export function throwProblems(problems: readonly ConfigError[]): void {
  const seen = new Set<string>();
  const distinct = problems.filter((problem) => !seen.has(problem.message) && seen.add(problem.message));
  distinct.sort(
    (a, b) => compareText(a.where.file, b.where.file) || (a.where.line ?? 0) - (b.where.line ?? 0) || (a.where.column ?? 0) - (b.where.column ?? 0),
  );
  const [first, ...rest] = distinct;
  if (first !== undefined) throw new ConfigErrors([first, ...rest]);
}

export function formatPlace(where: ErrorPlace): string {
  const position = where.line === undefined ? '' : `:${where.line}${where.column === undefined ? '' : `:${where.column}`}`;
  return [where.file === undefined ? '' : `${where.file}${position}`, where.path ?? ''].filter((part) => part !== '').join(' ');
}

function compareText(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
