import type { Socket } from 'node:net';
import type { Connection, Submittable } from 'pg';
import { BugError } from '../../../core/spi/index.js';
import { watchSilence } from '../sql/watch-silence.js';

/** Record-aligned bytes of a COPY, and how many rows they are. */
export interface CopyChunk {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Bytes of its longest record. */
  readonly longest: number;
}

export interface CopyOutOptions {
  readonly signal: AbortSignal;
  /** Takes every message from the driver's parser instead of the raw bytes of the socket: slower, but only public interface. */
  readonly parsed?: boolean;
}

interface CopyOutHost extends CopyOutOptions {
  readonly socketTimeoutMs: number;
  explain(error: unknown): Promise<unknown>;
  onSilence(cause: unknown): unknown;
  /** Cuts the connection. */
  cut(): void;
}

const COPY_DATA = 0x64;
const READY_FOR_QUERY = 0x5a;
const HEADER = 5;
const HIGH_WATER = 4 * 1024 * 1024;
const LOW_WATER = 1024 * 1024;

/**
 * `COPY … TO STDOUT` as chunks. The server sends one CopyData message for each row (protocol.html, "COPY Operations"); their
 * headers are squeezed out of each piece the socket gives, in place, so that no row costs more than one move of its bytes.
 * All other messages go to the driver, which reports the end, errors and notices as for any query.
 */
export class CopyOut implements Submittable {
  readonly #sql: string;
  readonly #host: CopyOutHost;
  readonly #queue: CopyChunk[] = [];
  #queued = 0;
  #rows = 0;
  #tag: string | undefined;
  #done = false;
  #failure: unknown;
  #stream: Socket | undefined;
  #paused = false;
  #wake: (() => void) | undefined;
  #unhook: () => void = () => undefined;

  constructor(sql: string, host: CopyOutHost) {
    this.#sql = sql;
    this.#host = host;
  }

  /** Rows that the server's command tag counted; undefined before the end. */
  get rows(): number | undefined {
    const [, count] = /^COPY (\d+)$/.exec(this.#tag ?? '') ?? [];
    return this.#done && count !== undefined ? Number(count) : undefined;
  }

  /** Ends without error only when the server has said so and has counted as many rows as came. Leaving early cuts the connection. */
  async *chunks(): AsyncGenerator<CopyChunk> {
    const stopWatching = watchSilence({
      limitMs: this.#host.socketTimeoutMs,
      heard: () => this.#stream?.bytesRead ?? 0,
      isAwaited: () => !this.#paused && !this.#done,
      onSilence: () => {
        this.#failure ??= this.#host.onSilence(undefined);
        this.#host.cut();
        this.#notify();
      },
    });
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          this.#queued -= chunk.bytes.length;
          if (this.#paused && this.#queued < LOW_WATER) this.#resume();
          yield chunk;
          continue;
        }
        if (this.#failure !== undefined) throw await this.#host.explain(this.#failure);
        if (this.#done) break;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      if (this.rows !== this.#rows) {
        throw new BugError({
          code: 'COPY_COUNT',
          message: `COPY gave ${this.#rows} rows, but the server counted ${this.#tag ?? 'nothing'}`,
          hint: 'report this with the versions of the server and of the pooler between',
        });
      }
    } finally {
      stopWatching();
      if (!this.#done) {
        this.#unhook();
        this.#host.cut();
      }
    }
  }

  submit(connection: Connection): void {
    const stream = (connection as unknown as { stream: Socket }).stream;
    this.#stream = stream;
    const listeners = stream.listeners('data') as ((bytes: Buffer) => void)[];
    if (this.#host.parsed !== true && listeners.length === 1 && listeners[0] !== undefined) this.#hook(stream, listeners[0]);
    connection.query(this.#sql);
  }

  /** The driver is idle, so its parser holds no part of a message: whole messages can be handed to it one by one. */
  #hook(stream: Socket, driver: (bytes: Buffer) => void): void {
    const splitter = new MessageSplitter(
      (bytes, rows, longest) => this.#push(bytes, rows, longest),
      (message) => driver.call(stream, message),
    );
    const onData = (bytes: Buffer): void => {
      if (!splitter.take(bytes)) return;
      this.#unhook();
      const rest = splitter.rest();
      if (rest.length > 0) driver.call(stream, rest);
    };
    stream.off('data', driver);
    stream.on('data', onData);
    this.#unhook = () => {
      this.#unhook = () => undefined;
      stream.off('data', onData);
      stream.on('data', driver);
    };
  }

  #push(bytes: Uint8Array, rows: number, longest: number): void {
    this.#rows += rows;
    this.#queue.push({ bytes, rows, longest });
    this.#queued += bytes.length;
    if (!this.#paused && this.#queued >= HIGH_WATER) {
      this.#paused = true;
      this.#stream?.pause();
    }
    this.#notify();
  }

  #resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  handleCopyData(message: { readonly chunk: Uint8Array }): void {
    // The driver's parser may move its buffer.
    this.#push(Buffer.from(message.chunk), 1, message.chunk.length);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#tag = message.text;
  }

  handleReadyForQuery(): void {
    this.#done = true;
    this.#notify();
  }

  /** An error of the server, or the end of the connection. */
  handleError(error: unknown): void {
    this.#failure ??= error;
    this.#notify();
  }
}

/** Cuts the server's bytes into messages: CopyData are gathered without their headers, others handed on. */
class MessageSplitter {
  readonly #rows: (bytes: Uint8Array, rows: number, longest: number) => void;
  readonly #other: (message: Buffer) => void;
  /** Pieces of a message whose end has not come, header included. */
  #open: Buffer[] = [];
  #openBytes = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(rows: (bytes: Uint8Array, rows: number, longest: number) => void, other: (message: Buffer) => void) {
    this.#rows = rows;
    this.#other = other;
  }

  /** What followed ReadyForQuery. */
  rest(): Buffer {
    return this.#rest;
  }

  /** True once ReadyForQuery has come. The piece is changed in place. */
  take(bytes: Buffer): boolean {
    let at = 0;
    if (this.#openBytes > 0) {
      at = this.#complete(bytes);
      if (at < 0) return false;
      if (at > bytes.length) return true;
    }
    let write = at;
    const begin = at;
    let rows = 0;
    let longest = 0;
    while (at + HEADER <= bytes.length) {
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      const type = bytes[at];
      if (type === COPY_DATA) {
        bytes.copyWithin(write, at + HEADER, end);
        const length = end - at - HEADER;
        write += length;
        if (length > longest) longest = length;
        rows++;
      } else {
        if (rows > 0) this.#rows(bytes.subarray(begin, write), rows, longest);
        this.#other(bytes.subarray(at, end));
        if (type === READY_FOR_QUERY) {
          this.#rest = bytes.subarray(end);
          return true;
        }
        return this.take(bytes.subarray(end));
      }
      at = end;
    }
    if (rows > 0) this.#rows(bytes.subarray(begin, write), rows, longest);
    if (at < bytes.length) this.#keep(bytes.subarray(at));
    return false;
  }

  #keep(piece: Buffer): void {
    this.#open.push(piece);
    this.#openBytes += piece.length;
  }

  /** Ends the open message with the start of a piece: where the next one begins; -1: it is still open; past the end: all is over. */
  #complete(bytes: Buffer): number {
    let at = 0;
    if (this.#openBytes < HEADER) {
      at = Math.min(HEADER - this.#openBytes, bytes.length);
      this.#keep(bytes.subarray(0, at));
      if (this.#openBytes < HEADER) return -1;
      this.#open = [Buffer.concat(this.#open)];
    }
    const head = this.#open[0] as Buffer;
    const missing = 1 + head.readUInt32BE(1) - this.#openBytes;
    if (bytes.length - at < missing) {
      if (at < bytes.length) this.#keep(bytes.subarray(at));
      return -1;
    }
    const end = at + missing;
    if (missing > 0) this.#open.push(bytes.subarray(at, end));
    const message = Buffer.concat(this.#open);
    this.#open = [];
    this.#openBytes = 0;
    if (message[0] === COPY_DATA) {
      this.#rows(message.subarray(HEADER), 1, message.length - HEADER);
      return end;
    }
    this.#other(message);
    if (message[0] !== READY_FOR_QUERY) return end;
    this.#rest = bytes.subarray(end);
    return bytes.length + 1;
  }
}
