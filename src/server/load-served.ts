import { openSessionAt, type Session, type SessionContext } from '../cli/session.js';
import type { Environment } from '../cli/environment.js';
import type { Metastore } from '../metastore/types.js';
import type { Served } from './serve.js';

export interface LoadOptions {
  readonly context: SessionContext;
  /** Absolute. */
  readonly root: string;
  readonly environment: Pick<Environment, 'env' | 'cwd'>;
}

/** Reads the project with all that `serve` runs by itself. Errors: ConfigError, with every problem found. */
export async function loadServed(
  { context, root, environment }: LoadOptions,
  first: Session | undefined,
  _store: Metastore | undefined,
): Promise<Served> {
  const session = first ?? (await openSessionAt(context, root, environment));
  return {
    session,
    tick: () => Promise.resolve(),
    onEnd: () => Promise.resolve(),
  };
}
