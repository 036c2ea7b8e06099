import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down';

/** `end` closes both sides in the orderly way (FIN), `reset` breaks them off (RST). */
export type CutMode = 'end' | 'reset';

/** What happens to the bytes of a connection; counted from the connection's start. */
export interface CutRule {
  /** After this many bytes of one direction the connection is cut; bytes before them still arrive. */
  readonly cutAfter?: { readonly direction: Direction; readonly bytes: number; readonly mode?: CutMode };
  /** Each chunk waits this long, in both directions. */
  readonly delayMs?: number;
  /** Most bytes from the server to the client in a second. */
  readonly bytesPerSecond?: number;
  /** From this many bytes of one direction on nothing passes, until the rule changes; the connection stays open. */
  readonly pauseAfter?: { readonly direction: Direction; readonly bytes: number };
  /** A new connection is reset at once. */
  readonly refuse?: boolean;
}

export interface CutProxy {
  readonly host: string;
  readonly port: number;
  /** Connections accepted so far; the first is number 1. */
  readonly connections: number;
  /** Bytes that passed so far, over all connections. */
  readonly passed: { readonly up: number; readonly down: number };
  /** Holds for open and for new connections. A function is asked with the connection's number. */
  set(rule: CutRule | ((connection: number) => CutRule)): void;
  /** Resolves as soon as this many bytes passed in a direction, over all connections. */
  whenPassed(direction: Direction, bytes: number): Promise<void>;
  /** Cuts all open connections now; returns how many there were. */
  cut(mode?: CutMode): number;
  stop(): Promise<void>;
}

/** A TCP proxy before `target` that fails on demand. `host` is the address it listens on: any of 127.0.0.0/8 will do. */
export async function startCutProxy(target: { readonly host: string; readonly port: number }, host = '127.0.0.1'): Promise<CutProxy> {
  let ruleOf: (connection: number) => CutRule = () => ({});
  let connections = 0;
  const passed = { up: 0, down: 0 };
  const open = new Set<Link>();
  let waiting: { direction: Direction; bytes: number; resolve: () => void }[] = [];
  /** Resolved, and made anew, whenever the rule changes. */
  let change = new Change();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const number = ++connections;
    if (ruleOf(number).refuse === true) {
      client.on('error', ignoreSocketError);
      client.resetAndDestroy();
      return;
    }
    const link: Link = new Link(client, connect({ ...target, allowHalfOpen: true }), {
      rule: () => ruleOf(number),
      changed: () => change.promise,
      onPassed(direction, bytes) {
        passed[direction] += bytes;
        const reached = waiting.filter((w) => passed[w.direction] >= w.bytes);
        waiting = waiting.filter((w) => !reached.includes(w));
        for (const { resolve } of reached) resolve();
      },
      onClosed: () => open.delete(link),
    });
    open.add(link);
  });
  const port = await listen(server, host);

  return {
    host,
    port,
    get connections() {
      return connections;
    },
    passed,
    set(rule) {
      ruleOf = typeof rule === 'function' ? rule : () => rule;
      const before = change;
      change = new Change();
      before.resolve();
    },
    whenPassed: (direction, bytes) =>
      passed[direction] >= bytes ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ direction, bytes, resolve })),
    cut(mode = 'reset') {
      const links = [...open];
      for (const link of links) link.cut(mode);
      return links.length;
    },
    async stop() {
      for (const link of open) link.cut('reset');
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface LinkOptions {
  rule(): CutRule;
  changed(): Promise<void>;
  onPassed(direction: Direction, bytes: number): void;
  onClosed(): void;
}

class Change {
  resolve: () => void = () => undefined;
  readonly promise = new Promise<void>((resolve) => (this.resolve = resolve));
}

class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #options: LinkOptions;
  readonly #closed = new Change();
  #cut = false;

  constructor(client: Socket, upstream: Socket, options: LinkOptions) {
    this.#client = client;
    this.#upstream = upstream;
    this.#options = options;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay(true);
      // An error of one side, such as a refused connection, is passed on as a reset of the other.
      socket.on('error', () => resetSocket(other));
      socket.on('close', () => {
        if (!client.destroyed || !upstream.destroyed) return;
        this.#closed.resolve();
        options.onClosed();
      });
    }
    void this.#pump(client, upstream, 'up');
    void this.#pump(upstream, client, 'down');
  }

  cut(mode: CutMode): void {
    this.#cut = true;
    for (const socket of [this.#client, this.#upstream]) {
      if (mode === 'reset') resetSocket(socket);
      // What is already written still arrives before the end.
      else socket.destroySoon();
    }
  }

  async #pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
    let total = 0;
    try {
      for await (const data of from) {
        let chunk = data as Buffer;
        while (chunk.length > 0 && !this.#cut && !to.destroyed) {
          const { cutAfter, pauseAfter, delayMs, bytesPerSecond } = this.#options.rule();
          if (delayMs !== undefined) await delay(delayMs);
          const room = pauseAfter?.direction === direction ? Math.max(0, pauseAfter.bytes - total) : Number.POSITIVE_INFINITY;
          const left = cutAfter?.direction === direction ? Math.max(0, cutAfter.bytes - total) : Number.POSITIVE_INFINITY;
          if (room === 0) {
            await Promise.race([this.#options.changed(), this.#closed.promise]);
            continue;
          }
          const limit = direction === 'down' && bytesPerSecond !== undefined ? Math.max(1, Math.ceil(bytesPerSecond / 50)) : chunk.length;
          const part = chunk.subarray(0, Math.min(chunk.length, room, left, limit));
          chunk = chunk.subarray(part.length);
          if (part.length > 0 && !to.write(part)) await Promise.race([drained(to), this.#closed.promise]);
          total += part.length;
          this.#options.onPassed(direction, part.length);
          if (part.length === left) this.cut(cutAfter?.mode ?? 'reset');
          if (limit < part.length + chunk.length) await delay(20);
        }
      }
      to.end();
    } catch (error) {
      ignoreSocketError(error as Error);
    }
  }
}

/** A socket that is being shut down cannot be reset any more. */
function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** A broken connection is what this proxy is for: the sides learn of it by themselves. Anything else is a fault of the test. */
function ignoreSocketError(error: NodeJS.ErrnoException): void {
  if (!['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNABORTED'].includes(error.code ?? ''))
    throw error;
}

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return address.port;
}
