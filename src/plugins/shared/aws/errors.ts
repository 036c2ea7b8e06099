import { ConflictError, DataError, RemoteError, SluiceError } from '../../../core/spi/index.js';
import type { S3Store } from './open-s3.js';

/** What is known of an error of the SDK, whose classes differ by call. */
export interface S3Failure {
  /** Code of the service or of the system, e.g. `NoSuchKey`, `ECONNRESET`. */
  readonly code: string;
  readonly status: number | undefined;
}

const DENIED = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'XAdminUserNotFound',
]);
const OTHER_REGION = new Set(['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', 'PermanentRedirect']);
const BUSY = new Set(['InternalError', 'OperationAborted', 'RequestTimeout', 'ServiceUnavailable', 'SlowDown', 'ThrottlingException', 'Throttling']);
const NETWORK = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'TimeoutError',
]);

/** Where TLS was begun and the answer was none. */
const NOT_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

export function readFailure(error: unknown): S3Failure {
  const facts = error as { name?: unknown; code?: unknown; Code?: unknown; $metadata?: { httpStatusCode?: number } };
  const code = [facts.Code, facts.code, facts.name].find((text) => typeof text === 'string' && text !== '' && text !== 'Error');
  return { code: typeof code === 'string' ? code : 'Unknown', status: facts.$metadata?.httpStatusCode };
}

/** Whether the same request may succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  const { code, status } = readFailure(error);
  return NETWORK.has(code) || BUSY.has(code) || status === 429 || (status !== undefined && status >= 500 && status !== 501);
}

/** A 412, or the 409 of a write that raced another. */
export function isPreconditionFailed(error: unknown): boolean {
  const { code, status } = readFailure(error);
  return code === 'PreconditionFailed' || status === 412 || code === 'ConditionalRequestConflict';
}

export function isMissingObject(error: unknown): boolean {
  const { code, status } = readFailure(error);
  return code === 'NoSuchKey' || code === 'NotFound' || (status === 404 && code !== 'NoSuchBucket');
}

/** The error for users; `doing` is a gerund such as `listing s3://bucket/a`. Errors of Sluice are returned as they are. */
export function s3Error(caught: unknown, doing: string, store: Pick<S3Store, 'bucket' | 'endpoint'>): unknown {
  if (caught instanceof SluiceError) return caught;
  const { code, status } = readFailure(caught);
  const error = plainCause(caught);
  const detail = `${code}${status === undefined ? '' : ` (${status})`}`;
  const remote = (sluiceCode: string, message: string, hint: string, retryable = false): RemoteError =>
    new RemoteError({ code: sluiceCode, message: `${doing}: ${message}`, hint, retryable, cause: error });
  if (code === 'NoSuchBucket') {
    return remote('S3_NO_BUCKET', `${store.endpoint} has no bucket ${store.bucket}`, 'check bucket, region and endpoint');
  }
  if (code === 'InvalidObjectState') {
    return remote('S3_ARCHIVED', 'the object is archived', 'restore it first, or set skip_glacier_objects: true');
  }
  const actual = (caught as { $response?: { headers?: Record<string, string> } }).$response?.headers?.['x-amz-bucket-region'];
  if (OTHER_REGION.has(code) || status === 301) {
    return remote('S3_REGION', `${detail}: the bucket is in another region`, `set region${actual === undefined ? '' : ` to ${actual}`}`);
  }
  if (isPreconditionFailed(caught)) {
    return new ConflictError({
      code: 'S3_CHANGED',
      message: `${doing}: the object is not what it was: somebody else wrote it`,
      hint: 'run again',
      cause: error,
    });
  }
  if (NOT_TLS.has(code)) {
    const address = store.endpoint.replace(/^https:/, 'http:');
    return remote(
      'S3_UNREACHABLE',
      `${store.endpoint} does not answer with TLS: ${code}`,
      `check the port, or try endpoint: ${address} (plain http)`,
    );
  }
  if (isTransient(caught)) {
    const text = NETWORK.has(code) ? `${store.endpoint} cannot be reached: ${detail}` : `${store.endpoint} answered ${detail}`;
    // A server that expects TLS hangs up on plain http.
    const scheme = code === 'ECONNRESET' && store.endpoint.startsWith('http:') ? ' (https:// where the service expects TLS)' : '';
    const hint = `check endpoint${scheme} and network; the request was tried several times`;
    return remote(NETWORK.has(code) ? 'S3_UNREACHABLE' : 'S3_BUSY', text, hint, true);
  }
  if (DENIED.has(code) || status === 401 || status === 403) {
    return remote(
      'S3_DENIED',
      `the service refused the request: ${detail}`,
      'check the credentials (auth_method and its keys), and what they may do',
    );
  }
  if (isMissingObject(caught)) return remote('S3_NO_OBJECT', 'there is no such object', 'check the key');
  return remote('S3_FAILED', `${detail}: ${error.message}`, 'look the code up in the documentation of the service');
}

/** An object that was planned is not there any more, or is another one. */
export function changedObject(name: string, error: unknown): DataError {
  const gone = isMissingObject(error);
  return new DataError({
    code: gone ? 'FILE_VANISHED' : 'FILE_MOVED',
    message: gone ? `${name}: the object vanished during the load` : `${name}: the object changed during the load`,
    hint: 'run again: a new plan is made from the objects that are there',
    where: { file: name },
    cause: plainCause(error),
  });
}

/** The service repeats the key id and what was signed in its answers; of these only the words are kept. */
function plainCause(error: unknown): Error {
  const { name, message, stack, $metadata } = error as Error & { $metadata?: { requestId?: string } };
  const cause = Object.assign(new Error(message), { name, ...($metadata?.requestId === undefined ? {} : { requestId: $metadata.requestId }) });
  if (stack !== undefined) cause.stack = stack;
  return cause;
}
