import { toReading } from '../core/engine/task-reading.js';
import { conversionSql } from '../core/engine/typing/index.js';
import {
  quoteIdentifier,
  type Reading,
  type RejectRecord,
  type RowPlace,
  type TaskContext,
  type TaskSource,
  type Verdict,
} from '../core/spi/index.js';
import { expect, expectEqual } from './checks.js';

/** One task, read as the engine reads it. */
export interface ReadResult {
  /** Typed values as DuckDB shows them; NULL is null. */
  readonly rows: (string | null)[][];
  /** 1-based rows with a text that does not convert, which the engine would reject. */
  readonly unconverted: readonly number[];
  readonly rejects: readonly RejectRecord[];
  /** Undefined for sources without places. */
  readonly places: readonly RowPlace[] | undefined;
  readonly verdict: Extract<Verdict, { keep: true }>;
}

/** Scans, checks, reads again where the reading says so, and lists rejects and places; closes whatever happens. */
export async function readSource(source: TaskSource, ctx: TaskContext): Promise<ReadResult> {
  let reading = await toReading(source, ctx);
  try {
    for (;;) {
      const scanned = await scan(reading, ctx).catch((failure: unknown) => ({ failure, names: [], values: [] }));
      const failed = 'failure' in scanned;
      const verdict = await (failed ? reading.check(-1, scanned.failure) : reading.check(scanned.values.length));
      if (!verdict.keep) {
        await reading.close();
        reading = verdict.instead;
        continue;
      }
      const { names, values } = scanned;
      const rejects: RejectRecord[] = [];
      for await (const batch of verdict.rejects()) rejects.push(...batch);
      const places = await placesOf(reading, values.length);
      const unconverted = values.flatMap((row, i) => (row.some((value) => value?.startsWith(UNCONVERTED)) ? [i + 1] : []));
      expectEqual(new Set(names).size, names.length, 'column names differ');
      return { rows: values, unconverted, rejects, places, verdict };
    }
  } finally {
    await reading.close();
  }
}

const UNCONVERTED = '\u0000unconverted:';

async function scan(reading: Reading, ctx: TaskContext): Promise<{ names: readonly string[]; values: (string | null)[][] }> {
  const { columns, from } = reading.relation;
  const names = columns.map((column) => column.name);
  const select = columns.map((column, i) => {
    const ref = quoteIdentifier(column.name);
    if (!column.text || column.type === 'string') return `CAST(${ref} AS VARCHAR) AS c${i}`;
    const failed = `'${UNCONVERTED.slice(1)}' || ${ref}`;
    const typed = `CAST(${conversionSql(ref, column)} AS VARCHAR)`;
    return `CASE WHEN ${ref} IS NULL THEN NULL WHEN ${typed} IS NULL THEN chr(0) || ${failed} ELSE ${typed} END AS c${i}`;
  });
  const rows = await ctx.sql.rows(`SELECT ${select.join(', ')} FROM ${from}`);
  return { names, values: rows.map((row) => names.map((_, i) => row[`c${i}`] as string | null)) };
}

async function placesOf(reading: Reading, rows: number): Promise<readonly RowPlace[] | undefined> {
  if (!reading.places) return undefined;
  const places: RowPlace[] = [];
  const all = Float64Array.from({ length: rows }, (_, i) => i + 1);
  for await (const batch of reading.places(all, true)) places.push(...batch);
  expectEqual(places.length, rows, 'one place for each row');
  return places;
}

/** What holds for every task that was read: the accounts balance, and each record has exactly one place. */
export function expectBalanced(result: ReadResult): void {
  const { verdict, rows, rejects, places } = result;
  expectEqual(verdict.read, rows.length + verdict.rejected, 'records read = rows + rejected');
  expectEqual(rejects.length, verdict.rejected, 'listed rejects');
  for (const reject of rejects) expect(reject.reason !== '' && reject.source !== '', 'a reject has a source and a reason');
  if (places === undefined) return;
  const numbers = new Map<string, number[]>();
  const note = (source: string, number: number): void => void numbers.set(source, [...(numbers.get(source) ?? []), number]);
  for (const place of places) note(place.source, place.recordNumber);
  for (const { source, recordNumber } of rejects) if (recordNumber !== null) note(source, recordNumber);
  for (const [source, found] of numbers) {
    const sorted = found.sort((a, b) => a - b);
    expectEqual(
      sorted,
      sorted.map((_, i) => i + 1),
      `${source}: the places of rows and rejects are the record numbers from 1 on`,
    );
  }
}
