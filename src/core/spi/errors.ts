/** Where something went wrong: a place in a config or query file, in the data, or in the run. Lines and columns start at 1. */
export interface ErrorPlace {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Path within a config, e.g. `in.parser.columns[2].type`. */
  readonly path?: string;
  readonly plugin?: string;
  readonly task?: number;
  /** Record number within `file`, starting at 1. */
  readonly record?: number;
}

export interface ErrorDetails {
  readonly code: string;
  readonly message: string;
  /** What the user should do. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly where?: ErrorPlace;
}

/** Base of every error a user may see. Exit codes: docs/reference/errors.md. */
export class SluiceError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly where: ErrorPlace;
  readonly exitCode: number = 70;
  /** Whether the same call may succeed when repeated. Decided from codes, never from message text. */
  readonly retryable: boolean = false;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.hint = details.hint;
    this.where = details.where ?? {};
  }
}

/** The config, the command line, a SQL text or the target's shape is wrong; nothing was moved. */
export class ConfigError extends SluiceError {
  override readonly exitCode = 2;
}

/** Bad records beyond the limit, or data that contradicts the plan. */
export class DataError extends SluiceError {
  override readonly exitCode = 3;
}

/** A system outside this process failed: file system, database, network, memory. */
export class RemoteError extends SluiceError {
  override readonly exitCode = 4;
  override readonly retryable: boolean;
  constructor(details: ErrorDetails & { readonly retryable: boolean }) {
    super(details);
    this.retryable = details.retryable;
  }
}

/** Somebody else holds the lease, or won the commit after all retries. */
export class ConflictError extends SluiceError {
  override readonly exitCode = 5;
}

/** The user stopped the run. */
export class CancelledError extends SluiceError {
  override readonly exitCode = 130;
}

/** A contract of this program was broken; please report it. */
export class BugError extends SluiceError {
  override readonly exitCode = 70;
}

const FS_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free disk space there, or write to a place on a larger disk',
  EACCES: 'check the permissions of the file or folder',
  EPERM: 'check the permissions of the file or folder',
  ENOENT: 'check that the path exists',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  EROFS: 'the file system is mounted read-only',
};

/** Wraps an error of the file system; `doing` is a gerund such as `reading data/a.csv`. Anything else is returned as it is. */
export function fileSystemError(error: unknown, doing: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  // Node refuses such paths before it asks the system.
  if (code === 'ERR_INVALID_ARG_VALUE') {
    return new ConfigError({
      code: 'FILE_NAME',
      message: `${doing.replaceAll('\0', '\\0')}: expected a path without NUL characters`,
      hint: 'take the character out of the path',
      cause: error,
    });
  }
  if (error instanceof SluiceError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  const hint = FS_HINTS[code];
  return new RemoteError({
    code: code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_SYSTEM',
    message: `${doing}: ${(error as Error).message}`,
    retryable: code === 'EMFILE' || code === 'EBUSY' || code === 'EAGAIN' || code === 'EIO',
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
