import {
  BugError,
  CancelledError,
  quoteIdentifier,
  quoteLiteral,
  quotePaths,
  RemoteError,
  type ColumnType,
  type Reading,
  type RejectRecord,
  type Relation,
  type SourceColumn,
  type Spool,
  type TaskContext,
  type TextFormat,
} from '../../../core/spi/index.js';

/** A column as a database's bulk lane gives it. */
export interface SpooledColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** DuckDB type that the field is read as. The server's own text is trusted to be one; if it is not, `text` decides. */
  readonly csvType: string;
  /** Makes the field, given as an expression, a value of `type`; absent: it is one. */
  readonly convert?: (field: string) => string;
  /** How the engine converts the same text with its own strict rules, rejecting what does not convert. */
  readonly text: TextFormat;
  /** Always by `text`: for types that DuckDB reads otherwise than Sluice does. */
  readonly strict?: boolean;
}

/** Record-aligned CSV: RFC 4180 with `\n`, unquoted empty = NULL, `""` = empty text. */
export interface SpooledChunk {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Bytes of its longest record. */
  readonly longest: number;
}

/** The columns as plans show them: what the server's text is trusted for is not converted by the engine. */
export function plannedColumns(columns: readonly SpooledColumn[]): readonly SourceColumn[] {
  return columns.map(({ name, type, text, strict }) => ({ name, type, ...(strict === true ? { text } : {}) }));
}

export interface SpooledSource {
  /** For messages and rejects. */
  readonly name: string;
  readonly columns: readonly SpooledColumn[];
  /** Starts reading. The context's signal ends it when its rows are no longer wanted. */
  read(ctx: TaskContext): AsyncIterable<SpooledChunk>;
  /** Says that values were seen that DuckDB takes for others: `text` decides then. */
  isDoubtful?(): boolean;
  /** The rows come so slowly, on purpose, that nothing should wait for them. */
  readonly isSlow?: boolean;
  /** Bytes that are spooled before the rows are read back, while more are coming. Default 4 MB. */
  readonly followAfter?: number;
}

const FOLLOW_AFTER = 4 << 20;
/** Pieces of a socket are gathered: each write, and what follows it in the pipe, costs as much as moving 50 kB. */
const BLOCK = 1 << 20;

/**
 * Spools a database's answer, so that the server never waits for the target, and reads it back as a relation, where the system allows it
 * while the answer is still coming. Fields are read as their DuckDB type, the cheapest way; when one of them turns out not to be of its
 * type, the same spool is read again with the engine's strict conversions, which reject that row alone.
 */
export async function openSpooledReading(source: SpooledSource, ctx: TaskContext): Promise<Reading> {
  const filling = new Filling(source, ctx);
  try {
    if (ctx.sampleBytes === undefined && source.isSlow !== true) {
      await filling.reach(source.followAfter ?? FOLLOW_AFTER);
      const path = filling.isOver || filling.isOdd ? undefined : await filling.follow();
      if (path !== undefined) return followingReading(filling, path);
    }
    const content = await filling.content;
    return source.isDoubtful?.() === true ? textReading(content) : typedReading(content);
  } catch (error) {
    await filling.giveUp();
    throw error;
  }
}

/** The way from the server into the spool, which goes on by itself. */
class Filling {
  readonly source: SpooledSource;
  /** Rejected with the reader's error. */
  readonly content: Promise<Content>;
  isOver = false;
  readonly #spool: Spool;
  readonly #stop = new AbortController();
  #longest = 0;
  #failed = false;
  #reached: { readonly bytes: number; readonly tell: () => void } | undefined;

  constructor(source: SpooledSource, ctx: TaskContext) {
    this.source = source;
    this.#spool = ctx.spool('csv');
    this.content = this.#fill({ ...ctx, signal: AbortSignal.any([ctx.signal, this.#stop.signal]) });
    // Whoever asks for the content is told; nobody does when the rows are no longer wanted.
    this.content.catch(() => undefined);
  }

  /** Whether what is there cannot be read the fast way, or will never be whole. */
  get isOdd(): boolean {
    return this.#failed || this.#longest >= PLAIN_RECORD || this.source.isDoubtful?.() === true;
  }

  /** Waits for so many bytes, or the end. */
  async reach(bytes: number): Promise<void> {
    const reached = new Promise<void>((tell) => (this.#reached = { bytes, tell }));
    await Promise.race([reached, this.content]);
  }

  async follow(): Promise<string | undefined> {
    return this.#spool.follow?.();
  }

  /** Stops the reader and removes what it has brought. */
  async giveUp(): Promise<void> {
    this.#stop.abort(new CancelledError({ code: 'READ_GIVEN_UP', message: `${this.source.name}: its rows are no longer wanted` }));
    await this.content.catch(() => undefined);
    await this.#spool.remove();
  }

  async #fill(ctx: TaskContext): Promise<Content> {
    const { name, columns } = this.source;
    const spool = this.#spool;
    const block = Math.min(BLOCK, this.source.followAfter ?? BLOCK, ctx.sampleBytes ?? BLOCK);
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const [only] = gathered;
      const pieces = gathered;
      gathered = [];
      bytes = 0;
      if (only !== undefined) await spool.write(pieces.length === 1 ? only : Buffer.concat(pieces));
    };
    try {
      let rows = 0;
      for await (const chunk of this.source.read(ctx)) {
        ctx.signal.throwIfAborted();
        gathered.push(chunk.bytes);
        bytes += chunk.bytes.length;
        rows += chunk.rows;
        this.#longest = Math.max(this.#longest, chunk.longest);
        ctx.progress({ rows: chunk.rows, bytes: chunk.bytes.length });
        if (bytes < block) continue;
        await flush();
        if (this.#reached !== undefined && spool.bytes >= this.#reached.bytes) this.#reached.tell();
        if (ctx.sampleBytes !== undefined && spool.bytes >= ctx.sampleBytes) break;
      }
      await flush();
      const paths = await spool.finish();
      return { source: name, columns, paths, rows, longest: this.#longest, remove: () => spool.remove() };
    } catch (error) {
      this.#failed = true;
      // A query that waits for more must not wait for ever: it ends with too few rows, and `check` says why.
      await spool.remove();
      throw error;
    } finally {
      this.isOver = true;
    }
  }
}

/**
 * The first scan reads while rows are still coming, as far as they come: what it saw counts only when the reader has ended well and all of
 * its rows were seen. Everything after it, and every scan that went wrong, reads the spool's files.
 */
function followingReading(filling: Filling, path: string): Reading {
  const { name: source, columns } = filling.source;
  const following = typedRelation(columns, { paths: [path], longest: 0 });
  let whole: Content | undefined;
  let handedOver = false;
  return {
    get relation() {
      return whole === undefined ? following : typedRelation(columns, whole);
    },
    shouldStop: () => Promise.resolve(filling.isOdd),
    checksReadErrors: true,
    async check(rows, failure) {
      const content = await filling.content;
      const isDoubtful = filling.source.isDoubtful?.() === true;
      if (!isDoubtful && failure === undefined && rows === content.rows) {
        whole = content;
        return checkRows(content, rows);
      }
      handedOver = true;
      // A long record, and an error of the disk, say nothing about the values.
      const isBad = failure !== undefined && content.longest < PLAIN_RECORD && !(failure instanceof RemoteError && failure.code === 'ENGINE_IO');
      if (isDoubtful || isBad) return { keep: false, reason: `${source}: ${BAD_VALUE}`, instead: textReading(content) };
      return { keep: false, reason: `${source}: the rows could not be read while they came`, instead: typedReading(content) };
    },
    close: () => (handedOver ? Promise.resolve() : filling.giveUp()),
  };
}

const BAD_VALUE = "a value is not of its column's type";

interface Content {
  readonly source: string;
  readonly columns: readonly SpooledColumn[];
  readonly paths: readonly string[];
  readonly rows: number;
  readonly longest: number;
  remove(): Promise<void>;
}

function typedRelation(columns: readonly SpooledColumn[], files: Pick<Content, 'paths' | 'longest'>): Relation {
  const select = columns.map(({ name, convert, strict }) => {
    const quoted = quoteIdentifier(name);
    return convert === undefined || strict === true ? quoted : `${convert(quoted)} AS ${quoted}`;
  });
  const types = columns.map((column) => (column.strict === true ? 'VARCHAR' : column.csvType));
  return { from: `(SELECT ${select.join(', ')} FROM ${csvRelation({ ...files, columns }, types)})`, columns: plannedColumns(columns) };
}

function typedReading(content: Content): Reading {
  let handedOver = false;
  return {
    relation: typedRelation(content.columns, content),
    check(rows, failure) {
      if (failure === undefined) return checkRows(content, rows);
      handedOver = true;
      return Promise.resolve({ keep: false, reason: `${content.source}: ${BAD_VALUE}`, instead: textReading(content) });
    },
    close: () => (handedOver ? Promise.resolve() : content.remove()),
  };
}

function textReading(content: Content): Reading {
  const columns = content.columns.map(({ name, type, text }): SourceColumn => ({ name, type, text }));
  return {
    relation: {
      from: csvRelation(
        content,
        columns.map(() => 'VARCHAR'),
      ),
      columns,
    },
    check: (rows, failure) => (failure === undefined ? checkRows(content, rows) : Promise.reject(failure as Error)),
    close: () => content.remove(),
  };
}

function checkRows(content: Content, rows: number): ReturnType<Reading['check']> {
  if (rows !== content.rows) {
    const message = `${content.source}: ${content.rows} rows were spooled, but ${rows} were read back`;
    return Promise.reject(new BugError({ code: 'SPOOL_MISREAD', message, hint: 'please report this with the definition of the table' }));
  }
  return Promise.resolve({ keep: true, read: rows, rejected: 0, rejects: noRejects, files: [] });
}

async function* noRejects(): AsyncGenerator<RejectRecord[]> {}

/**
 * Bytes of a record with its end, and of the buffers for those: half of DuckDB's own. It buffers a multiple of a larger limit, which is
 * therefore only given where a record needs it.
 */
const PLAIN_RECORD = 2_097_152;
const PLAIN_BUFFER = 16_777_216;

function csvRelation({ columns, paths, longest }: Pick<Content, 'columns' | 'paths' | 'longest'>, types: readonly string[]): string {
  if (paths.length === 0) {
    return `(SELECT ${columns.map(({ name }, i) => `NULL::${types[i] ?? 'VARCHAR'} AS ${quoteIdentifier(name)}`).join(', ')} LIMIT 0)`;
  }
  const names = columns.map(({ name }, i) => `${quoteLiteral(name)}: ${quoteLiteral(types[i] ?? 'VARCHAR')}`).join(', ');
  const [line, buffer] = longest < PLAIN_RECORD ? [PLAIN_RECORD, PLAIN_BUFFER] : [longest + 1, 4 * (longest + 1)];
  return (
    `read_csv(${quotePaths(paths)}, auto_detect=false, header=false, delim=',', quote='"', escape='"', new_line='\\n', ` +
    `nullstr='', allow_quoted_nulls=false, hive_partitioning=false, max_line_size=${line}, buffer_size=${buffer}, columns={${names}})`
  );
}
