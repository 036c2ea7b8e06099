import type { Connection, FieldPacket, Query } from 'mysql2';
import type { SpooledChunk } from '../sql/spooled-reading.js';
import { watchSilence } from '../sql/watch-silence.js';
import type { Encoding, WireColumn } from './result-columns.js';
import { RowEncoder, type RowEncoderOptions } from './row-encoder.js';

export interface RowStreamOptions extends RowEncoderOptions {
  /** Looks at the columns of the answer and says how to encode them; may throw when they are not as planned. */
  encodingsOf(columns: readonly WireColumn[]): readonly Encoding[];
  /** Bytes that may wait for the reader before the server has to. Default 8 MB. */
  readonly waitingBytes?: number;
  /** `public`: only the driver's public interface, slower. Default: row packets as bytes, where this driver has them. */
  readonly lane?: 'packets' | 'public';
}

interface RowStreamHost {
  readonly client: Connection;
  readonly socketTimeoutMs: number;
  createQuery(sql: string): Query;
  /** Called with the error that ended the connection. Returns a function that stops listening. */
  onLost(listener: (error: unknown) => void): () => void;
  explain(error: unknown, wasPaused: boolean): Promise<unknown>;
  silence(): unknown;
  cut(): void;
}

/** The driver's packets and commands, as far as the fast lane needs them. */
interface RowPacket {
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
}
type RowHandler = (this: unknown, packet: RowPacket, connection: unknown) => unknown;
interface PacketQuery extends Query {
  row?: RowHandler;
}

const WAITING = 8 << 20;

/**
 * The rows of one SELECT as chunks of CSV. The driver's row handler is replaced by one that encodes the packet's bytes, so that
 * no value becomes a JavaScript value (docs/decisions). Ends without an error only after the server's own end of the rows.
 */
export class RowStream {
  readonly #host: RowStreamHost;
  readonly #options: RowStreamOptions;
  readonly #waiting: number;
  readonly #queue: SpooledChunk[] = [];
  #queued = 0;
  #encoder: RowEncoder | undefined;
  #done = false;
  #failure: unknown;
  #failed = false;
  #paused = false;
  #wasPaused = false;
  #wake: (() => void) | undefined;
  #unlisten: () => void = () => undefined;

  constructor(sql: string, host: RowStreamHost, options: RowStreamOptions) {
    this.#host = host;
    this.#options = options;
    this.#waiting = options.waitingBytes ?? WAITING;
    this.#start(sql);
  }

  /** Zero dates of each column so far. */
  get zeroDates(): readonly number[] {
    return this.#encoder?.zeroDates ?? [];
  }

  /** Gives the read up: the connection is cut and `chunks` throws the error. */
  fail(error: unknown): void {
    if (this.#done) return;
    this.#setFailure(error);
    this.#host.cut();
  }

  /** Leaving early cuts the connection. */
  async *chunks(): AsyncGenerator<SpooledChunk> {
    const { stream } = this.#host.client as unknown as { stream: { readonly bytesRead: number } };
    const stopWatching = watchSilence({
      limitMs: this.#host.socketTimeoutMs,
      heard: () => stream.bytesRead,
      isAwaited: () => !this.#paused && !this.#done,
      onSilence: () => this.fail(this.#host.silence()),
    });
    try {
      for (;;) {
        if (this.#failed) throw await this.#host.explain(this.#failure, this.#wasPaused);
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          this.#queued -= chunk.bytes.length;
          if (this.#paused && this.#queued < this.#waiting / 4) this.#resume();
          yield chunk;
          continue;
        }
        if (this.#done) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      stopWatching();
      this.#unlisten();
      if (!this.#done) this.#host.cut();
    }
  }

  #start(sql: string): void {
    const { client } = this.#host;
    const command = this.#host.createQuery(sql) as PacketQuery;
    this.#unlisten = this.#host.onLost((error) => this.#setFailure(error));
    command.on('error', (error) => {
      this.#setFailure(error);
      // The connection has answered in full and can be used again.
      this.#done = true;
    });
    command.on('fields', (fields: readonly FieldPacket[] | undefined) => this.#guard(() => this.#begin(fields ?? [])));
    const handler = Object.getPrototypeOf(command) as { row?: unknown };
    if (this.#options.lane === 'public' || typeof handler.row !== 'function') {
      command.on('result', (row) => this.#guard(() => this.#encoder?.addValues(row as unknown as (Buffer | null)[])));
    } else {
      this.#takePackets(command, handler.row as RowHandler);
    }
    command.on('end', () => {
      if (!this.#failed) this.#guard(() => this.#encoder?.flush());
      this.#done = true;
      this.#notify();
    });
    client.query(command as unknown as string);
  }

  #takePackets(command: PacketQuery, driver: RowHandler): void {
    // It must give itself for the next packet: the driver's own handler would take the slow path from the second row on.
    const handler: RowHandler = (packet, connection) => {
      if (packet.isEOF()) return driver.call(command, packet, connection);
      this.#guard(() => this.#encoder?.add(packet.buffer, packet.offset, packet.end));
      return handler;
    };
    command.row = handler;
  }

  #begin(fields: readonly FieldPacket[]): void {
    const encodings = this.#options.encodingsOf(fields as unknown as readonly WireColumn[]);
    this.#encoder = new RowEncoder(encodings, (chunk) => this.#push(chunk), this.#options);
  }

  /** An exception within the driver's parser would be lost there. */
  #guard(work: () => void): void {
    if (this.#failed) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  #push(chunk: SpooledChunk): void {
    this.#queue.push(chunk);
    this.#queued += chunk.bytes.length;
    if (!this.#paused && this.#queued >= this.#waiting) {
      this.#paused = true;
      this.#wasPaused = true;
      this.#host.client.pause();
    }
    this.#notify();
  }

  #resume(): void {
    this.#paused = false;
    this.#host.client.resume();
  }

  #setFailure(error: unknown): void {
    if (!this.#failed && !this.#done) {
      this.#failed = true;
      this.#failure = error;
    }
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
