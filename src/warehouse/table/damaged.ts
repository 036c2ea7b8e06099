import { RemoteError } from '../../core/spi/index.js';

/** A metadata file that is not what it must be. */
export function damaged(uri: string, expected: string, found: string, cause?: unknown): RemoteError {
  return new RemoteError({
    code: 'METADATA_DAMAGED',
    message: `reading ${uri}: expected ${expected}, found that ${found}`,
    hint: 'the file was changed or cut after it was written: restore it from a backup, or go back to an older snapshot',
    retryable: false,
    cause,
  });
}
