import { DataError, type Reading, type TaskContext } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import { readResultColumn, type Encoding, type WireColumn } from '../shared/mysql/result-columns.js';
import type { RowStream } from '../shared/mysql/row-stream.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { transactionLimitError } from '../shared/sql/connection-errors.js';
import type { SqlConnectionSettings } from '../shared/sql/connection.js';
import { mergeChunks } from '../shared/sql/merge-chunks.js';
import { createRateLimit } from '../shared/sql/rate-limit.js';
import { openSpooledReading, type SpooledChunk } from '../shared/sql/spooled-reading.js';
import { spooledColumn } from './columns.js';
import { connectionOf, NOWHERE, openSession, type MysqlInputConfig } from './config.js';
import { selectOf, type ReadTask } from './plan.js';
import { rangeConditions } from './ranges.js';
import { shareSnapshot } from './snapshot.js';

/** How much waits for a limited reader: little, or the limit would hold for the spool and not for the server. */
const LIMITED_CHUNK = 1 << 16;

/** The rows of one task. A connection that breaks fails it as a whole with a retryable error: it is read again from its start. */
export async function openRead(task: ReadTask, config: MysqlInputConfig, ctx: TaskContext): Promise<Reading> {
  const keepsZeroDates = config.zero_dates !== 'null';
  let reader: Reader | undefined;
  return openSpooledReading(
    {
      name: task.source,
      columns: task.columns.map(spooledColumn),
      read: (own) => (reader = new Reader(task, config, own)).chunks(),
      isDoubtful: () => keepsZeroDates && (reader?.zeroDates.some((count) => count > 0) ?? false),
      isSlow: config.rows_per_second !== undefined,
    },
    ctx,
  );
}

class Reader {
  /** Zero dates of each column. */
  readonly zeroDates: number[];
  readonly #task: ReadTask;
  readonly #config: MysqlInputConfig;
  readonly #ctx: TaskContext;
  readonly #settings: SqlConnectionSettings;
  readonly #doing: string;
  readonly #sessions: MysqlSession[] = [];
  readonly #streams = new Set<RowStream>();
  #expired: Error | undefined;

  constructor(task: ReadTask, config: MysqlInputConfig, ctx: TaskContext) {
    this.#task = task;
    this.#config = config;
    this.#ctx = ctx;
    this.#settings = connectionOf(config, NOWHERE);
    this.#doing = `reading ${task.source}`;
    this.zeroDates = task.columns.map(() => 0);
  }

  async *chunks(): AsyncGenerator<SpooledChunk> {
    const limit = createRateLimit(this.#config.rows_per_second, this.#ctx.clock);
    let timer: NodeJS.Timeout | undefined;
    try {
      const chunks = await this.#start();
      timer = this.#limitTime();
      for await (const chunk of chunks) {
        await limit.take(chunk.rows, this.#ctx.signal);
        yield chunk;
      }
      if (this.#config.after_select !== undefined) {
        const [leader] = this.#sessions;
        // The snapshot of ranges is read-only.
        if (this.#task.ranges !== undefined) await leader?.run('COMMIT', this.#doing);
        await leader?.texts(this.#config.after_select, 'running after_select');
      }
      if (this.#config.zero_dates === 'null') this.#tellZeroDates();
    } finally {
      clearTimeout(timer);
      await Promise.all(this.#sessions.map((session) => session.end()));
    }
  }

  #tellZeroDates(): void {
    this.#task.columns.forEach(({ name }, i) => {
      const count = this.zeroDates[i] ?? 0;
      if (count > 0) this.#ctx.log.log('warn', 'zero dates were read as NULL', { source: this.#task.source, column: name, count });
    });
  }

  async #start(): Promise<AsyncIterable<SpooledChunk>> {
    const { ranges } = this.#task;
    const leader = await this.#open();
    if (this.#config.before_select !== undefined) await leader.texts(this.#config.before_select, 'running before_select');
    if (ranges === undefined) return this.#read(leader, selectOf(this.#task));
    const others = await Promise.all(Array.from({ length: ranges.readers - 1 }, () => this.#open()));
    const sessions = [leader, ...others];
    const locker = await openSession(this.#settings, this.#config, this.#ctx);
    let shared: boolean;
    try {
      shared = await shareSnapshot(locker, sessions, ranges, this.#ctx);
    } finally {
      await locker.end();
    }
    if (!shared) {
      this.#ctx.log.log('warn', 'one connection reads: no common snapshot could be taken', { table: this.#task.source });
      return this.#read(leader, selectOf(this.#task));
    }
    const conditions = [...(await this.#divide(leader, ranges.column, ranges.readers))];
    return mergeChunks(sessions.map((session) => this.#readRanges(session, conditions)));
  }

  async #open(): Promise<MysqlSession> {
    const session = await openSession(this.#settings, this.#config, this.#ctx);
    this.#sessions.push(session);
    return session;
  }

  async #divide(session: MysqlSession, column: string, readers: number): Promise<readonly string[]> {
    const quoted = mysqlDialect.quoteIdentifier(column);
    const bounds = `SELECT MIN(${quoted}), MAX(${quoted}) FROM ${this.#task.from.from}`;
    const [row] = await session.texts(bounds, this.#doing);
    const [low, high] = row ?? [];
    if (typeof low !== 'string' || typeof high !== 'string') return [`${quoted} IS NOT NULL`];
    return rangeConditions(quoted, BigInt(low), BigInt(high), readers);
  }

  /** Takes one range after the other from the list that all readers share. */
  async *#readRanges(session: MysqlSession, conditions: string[]): AsyncGenerator<SpooledChunk> {
    for (let condition = conditions.shift(); condition !== undefined; condition = conditions.shift()) {
      yield* this.#read(session, selectOf(this.#task, [condition]));
    }
  }

  async *#read(session: MysqlSession, sql: string): AsyncGenerator<SpooledChunk> {
    const limited = this.#config.rows_per_second !== undefined;
    const stream = session.stream(sql, this.#doing, {
      zeroDatesAsNull: this.#config.zero_dates === 'null',
      ...(limited ? { chunkBytes: LIMITED_CHUNK, waitingBytes: LIMITED_CHUNK } : {}),
      encodingsOf: (columns) => this.#encodings(columns),
    });
    this.#streams.add(stream);
    if (this.#expired !== undefined) stream.fail(this.#expired);
    try {
      yield* stream.chunks();
    } finally {
      this.#streams.delete(stream);
      stream.zeroDates.forEach((count, i) => (this.zeroDates[i] = (this.zeroDates[i] ?? 0) + count));
    }
  }

  /** The answer must have the columns of the plan. */
  #encodings(columns: readonly WireColumn[]): readonly Encoding[] {
    const found = columns.map(readResultColumn);
    const planned = this.#task.columns;
    const differs =
      planned.length !== found.length || planned.some(({ name, encoding }, i) => found[i]?.name !== name || found[i]?.encoding !== encoding);
    if (!differs) return planned.map(({ encoding }) => encoding);
    const show = (list: readonly { name: string; sourceType: string }[]): string =>
      list.map(({ name, sourceType }) => `${name} ${sourceType}`).join(', ');
    throw new DataError({
      code: 'SQL_COLUMNS_CHANGED',
      message: `${this.#task.source}: expected the columns ${show(planned)}, found ${show(found)}`,
      hint: 'the table changed after the run was planned; run again to plan anew',
    });
  }

  #limitTime(): NodeJS.Timeout | undefined {
    const seconds = this.#config.max_transaction_secs;
    if (seconds === undefined) return undefined;
    return setTimeout(() => {
      this.#expired = transactionLimitError(this.#sessions[0]?.product ?? 'MySQL', this.#settings, this.#doing, seconds);
      for (const stream of this.#streams) stream.fail(this.#expired);
    }, seconds * 1000);
  }
}
