import { DataError, type ErrorPlace } from '../spi/index.js';
import type { RejectLimit } from './pipeline.js';
import type { RejectRow } from './rejects.js';

/** Percentages are judged after this many rows, and at the end. */
const JUDGED_FROM = 100_000;

/** Counts rejects over the whole run and says when the limit is passed. */
export class RejectBudget {
  readonly #limit: RejectLimit;
  readonly #rejected = new Map<number, number>();
  readonly #read = new Map<number, number>();

  constructor(limit: RejectLimit) {
    this.#limit = limit;
  }

  /** Running totals of one task; `read` may lag behind. */
  report(task: number, rejected: number, read: number): void {
    this.#rejected.set(task, rejected);
    this.#read.set(task, Math.max(read, this.#read.get(task) ?? 0));
  }

  get rejected(): number {
    return sum(this.#rejected);
  }

  isExceeded(atEnd: boolean): boolean {
    const rejected = this.rejected;
    if ('rows' in this.#limit) return rejected > this.#limit.rows;
    if (atEnd) return rejected * 100 > this.#limit.percent * Math.max(sum(this.#read), rejected);
    // Of a task that is still under way only its rejects are known, which are no share of anything yet.
    const ended = [...this.#read].filter(([, rows]) => rows > 0);
    const read = ended.reduce((total, [, rows]) => total + rows, 0);
    const among = ended.reduce((total, [task]) => total + (this.#rejected.get(task) ?? 0), 0);
    return read >= JUDGED_FROM && among * 100 > this.#limit.percent * read;
  }

  /** How many more rejects could be told apart from the limit; spares finding all places of a hopeless file. */
  get limitText(): string {
    return 'rows' in this.#limit ? String(this.#limit.rows) : `${this.#limit.percent} %`;
  }
}

function sum(counts: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}

/** The error of a run over its limit; shows the first rejects with their places. */
export function tooManyRejects(budget: RejectBudget, first: readonly RejectRow[], place: ErrorPlace): DataError {
  const shown = first.slice(0, 5).map(describeReject);
  return new DataError({
    code: 'TOO_MANY_REJECTS',
    message: `${budget.rejected} ${budget.rejected === 1 ? 'record was' : 'records were'} rejected, more than exec.max_rejects (${budget.limitText}); nothing was committed${shown.map((s) => `\n  ${s}`).join('')}`,
    hint: 'mend the data or the column types (`sluice preview` shows what would be rejected), or raise exec.max_rejects to load the good records and keep the bad ones',
    where: place,
  });
}

export function describeReject(row: RejectRow): string {
  const record = row.record_number === null ? '' : ` record ${row.record_number}`;
  const column = row.column_name === null ? '' : ` ${row.column_name}:`;
  const raw = row.raw === null ? '' : `  ${JSON.stringify(row.raw.length > 80 ? `${row.raw.slice(0, 77)}...` : row.raw)}`;
  return `${row.source}${record}:${column} ${row.reason}${raw}`;
}
