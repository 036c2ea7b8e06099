import type { ConfigPlace, InputPlan, Reading, TaskContext } from '../../core/spi/index.js';
import type { SqlConnectionSettings } from '../shared/sql/connection.js';
import { transactionLimitError } from '../shared/sql/connection-errors.js';
import { mergeChunks } from '../shared/sql/merge-chunks.js';
import { createRateLimit } from '../shared/sql/rate-limit.js';
import { buildSelect } from '../shared/sql/select.js';
import { openSpooledReading } from '../shared/sql/spooled-reading.js';
import type { CopyChunk, CopyOut } from '../shared/postgresql/copy-out.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import type { PostgresqlInputConfig } from './config.js';
import { connectionOf, type ReadTask } from './plan.js';
import { spooledColumn } from './spooled-columns.js';
import { beginReading, openSession } from './transaction.js';

const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

/** The rows of one task. A connection that breaks fails the task as a whole with a retryable error: it is read again from its start. */
export function openRead(task: ReadTask, plan: InputPlan, config: PostgresqlInputConfig, ctx: TaskContext): Promise<Reading> {
  return openSpooledReading(
    {
      name: task.source.name,
      columns: plan.columns.map((column, i) => spooledColumn(column, task.exact?.[i] === true)),
      read: (own) => readChunks(task, config, own),
      isSlow: config.rows_per_second !== undefined,
    },
    ctx,
  );
}

/** CSV as the server writes it. Ends without error only when all rows came. */
export function readChunks(task: ReadTask, config: PostgresqlInputConfig, ctx: TaskContext): AsyncIterable<CopyChunk> {
  return new Reader(task, config, ctx).chunks();
}

class Reader {
  readonly #task: ReadTask;
  readonly #config: PostgresqlInputConfig;
  readonly #ctx: TaskContext;
  readonly #settings: SqlConnectionSettings;
  readonly #doing: string;
  #expired = false;

  constructor(task: ReadTask, config: PostgresqlInputConfig, ctx: TaskContext) {
    this.#task = task;
    this.#config = config;
    this.#ctx = ctx;
    this.#settings = connectionOf(config, NOWHERE);
    this.#doing = `reading ${task.source.name}`;
  }

  async *chunks(): AsyncGenerator<CopyChunk> {
    const sessions: PostgresSession[] = [];
    const limit = createRateLimit(this.#config.rows_per_second, this.#ctx.clock);
    const seconds = this.#config.max_transaction_secs;
    let timer: NodeJS.Timeout | undefined;
    try {
      const copies = await this.#start(sessions);
      if (seconds !== undefined) {
        timer = setTimeout(() => {
          this.#expired = true;
          for (const session of sessions) session.destroy();
        }, seconds * 1000);
      }
      const [only] = copies;
      const chunks: AsyncIterable<CopyChunk> = copies.length === 1 && only ? only.chunks() : mergeChunks(copies.map((copy) => copy.chunks()));
      for await (const chunk of chunks) {
        await limit.take(chunk.rows, this.#ctx.signal);
        yield chunk;
      }
      clearTimeout(timer);
      await this.#finish(sessions);
    } catch (error) {
      throw this.#expired ? transactionLimitError('PostgreSQL', this.#settings, this.#doing, seconds ?? 0) : error;
    } finally {
      clearTimeout(timer);
      await Promise.all(sessions.map((session) => session.end()));
    }
  }

  /** One transaction, or several on the snapshot of the first. */
  async #start(sessions: PostgresSession[]): Promise<readonly CopyOut[]> {
    const { ranges } = this.#task;
    const leader = await this.#open(sessions);
    if (ranges === 1) return [this.#copy(leader, [])];
    const [row] = await leader.texts(
      `SELECT pg_export_snapshot(), pg_relation_size(${postgresqlDialect.quoteLiteral(this.#task.source.from)}::regclass) / current_setting('block_size')::int`,
      this.#doing,
    );
    const blocks = Number(row?.[1]);
    // The exporting transaction has to be open until every other one has taken its snapshot over.
    for (let i = 1; i < ranges; i++) await this.#open(sessions, row?.[0] ?? '');
    return sessions.map((session, i) => this.#copy(session, [blockRange(i, ranges, blocks)]));
  }

  async #open(sessions: PostgresSession[], snapshot?: string): Promise<PostgresSession> {
    const session = await openSession(this.#settings, this.#config, this.#ctx);
    sessions.push(session);
    // Once for the task, before its snapshot is taken.
    const { before_select: before } = this.#config;
    if (before !== undefined && snapshot === undefined) await session.texts(before, 'running before_select');
    await beginReading(session, this.#settings, this.#config, snapshot);
    return session;
  }

  #copy(session: PostgresSession, range: readonly string[]): CopyOut {
    const { source, select, where } = this.#task;
    const sql = buildSelect(source, select, postgresqlDialect, [...where.map((condition) => `(${condition})`), ...range]);
    return session.copyOut(`COPY (${sql}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')`, this.#doing);
  }

  async #finish(sessions: readonly PostgresSession[]): Promise<void> {
    for (const session of sessions) await session.texts('COMMIT', this.#doing);
    const [leader] = sessions;
    if (this.#config.after_select !== undefined) await leader?.texts(this.#config.after_select, 'running after_select');
  }
}

/** Half-open ranges of `ctid`; the last one has no end, as the table may have grown since. */
function blockRange(i: number, of: number, blocks: number): string {
  const from = Math.floor((blocks * i) / of);
  const to = Math.floor((blocks * (i + 1)) / of);
  return i === of - 1 ? `ctid >= '(${from},0)'::tid` : `ctid >= '(${from},0)'::tid AND ctid < '(${to},0)'::tid`;
}
