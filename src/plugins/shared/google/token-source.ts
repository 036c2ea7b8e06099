import { RemoteError, SluiceError, type PluginContext } from '../../../core/spi/index.js';
import type { GoogleCredentials } from './credentials.js';
import { networkFailure } from './failures.js';
import { requestToken, type AccessToken } from './token-request.js';

/** A token this close to its end is renewed before it is used. */
const MARGIN_MS = 60_000;
const LIBRARY_TOKEN_MS = 5 * 60_000;

type TokenContext = Pick<PluginContext, 'clock' | 'signal'>;

/** One token for all tasks of a run, renewed before it ends and when the service refuses it. */
export class TokenSource {
  readonly #read: () => Promise<GoogleCredentials>;
  readonly #scope: string;
  #token: AccessToken | undefined;
  #asking: Promise<AccessToken> | undefined;

  constructor(read: () => Promise<GoogleCredentials>, scope: string) {
    this.#read = read;
    this.#scope = scope;
  }

  async token(ctx: TokenContext): Promise<string> {
    const known = this.#token;
    if (known && ctx.clock.now() < known.expiresAt - MARGIN_MS) return known.text;
    this.#asking ??= this.#ask(ctx).finally(() => (this.#asking = undefined));
    return (this.#token = await this.#asking).text;
  }

  /** The service refused this token: the next call gets another one. A token that was renewed meanwhile stays. */
  forget(text: string): void {
    if (this.#token?.text === text) this.#token = undefined;
  }

  async #ask(ctx: TokenContext): Promise<AccessToken> {
    const credentials = await this.#read();
    return credentials.kind === 'library' ? askLibrary(credentials.keyFile, this.#scope, ctx) : requestToken(credentials, this.#scope, ctx);
  }
}

/** A client of its own for each token: the library would hand out the refused one again from its cache. */
async function askLibrary(keyFile: string | undefined, scope: string, ctx: TokenContext): Promise<AccessToken> {
  const { AuthPlus } = await import('googleapis/build/src/apis/analyticsdata/index.js');
  try {
    const { GoogleAuth } = new AuthPlus();
    const text = await new GoogleAuth({ scopes: [scope], ...(keyFile === undefined ? {} : { keyFilename: keyFile }) }).getAccessToken();
    if (typeof text === 'string' && text !== '') return { text, expiresAt: ctx.clock.now() + LIBRARY_TOKEN_MS + MARGIN_MS };
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) throw networkFailure(error, 'application default credentials');
  }
  throw new RemoteError({
    code: 'GOOGLE_NO_CREDENTIALS',
    message: `application default credentials: expected ${keyFile === undefined ? 'a key file or a machine of Google Cloud' : `usable credentials in ${keyFile}`}, found none`,
    hint: 'set json_keyfile, or GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`',
    retryable: false,
  });
}
