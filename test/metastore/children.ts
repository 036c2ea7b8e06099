import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ChildTask } from './child-program.js';

/** A process of its own that works on the same metastore. */
export interface Child {
  readonly process: ChildProcess;
  /** The next message; fails when the child ends before. */
  next(): Promise<unknown>;
  go(): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  ended: Promise<number | null>;
}

const living = new Set<ChildProcess>();

/** For the end of a test, also of a failed one. */
export async function killChildren(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }),
  );
}

export function startChild(task: ChildTask): Child {
  const program = fileURLToPath(new URL('./child-program.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(task)], { execArgv: ['--import', import.meta.resolve('tsx')] });
  living.add(child);
  const messages: unknown[] = [];
  const waiting: { resolve: (message: unknown) => void; reject: (error: Error) => void }[] = [];
  let over = false;
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.on('message', (message) => {
    const first = waiting.shift();
    if (first === undefined) messages.push(message);
    else first.resolve(message);
  });
  child.once('exit', (code, signal) => {
    over = true;
    living.delete(child);
    for (const each of waiting) each.reject(new Error(`the child ended with ${signal ?? code}`));
  });
  return {
    process: child,
    ended,
    next: () =>
      new Promise((resolve, reject) => {
        if (messages.length > 0) resolve(messages.shift());
        else if (over) reject(new Error('the child has ended'));
        else waiting.push({ resolve, reject });
      }),
    go: () => void child.send('go'),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
