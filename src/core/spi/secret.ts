import type { JsonValue } from './json.js';

/**
 * A password, token or key of a config, read only when it is used. Whatever prints or serialises it shows `***` or
 * its reference (`{"env":"NAME"}`), never the value. Values of `x-secret` keys reach plugins in this form: pass them
 * through {@link revealSecret} at the moment they go to a driver.
 */
export class Secret {
  readonly #reference: JsonValue;
  readonly #read: () => Promise<string>;

  /** `reference` says where the value comes from and may be stored; null for a value written into the config. */
  constructor(reference: JsonValue, read: () => Promise<string>) {
    this.#reference = reference;
    this.#read = read;
  }

  reveal(): Promise<string> {
    return this.#read();
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): JsonValue {
    return this.#reference ?? REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Secret(${REDACTED})`;
  }
}

export const REDACTED = '***';

/** The value of a secret key, or the text itself where a plugin was given plain text (tests, programs). */
export async function revealSecret(value: string | Secret): Promise<string> {
  return value instanceof Secret ? value.reveal() : value;
}

/** Whether a key, parameter or environment variable of this name is taken for a secret. */
export function isSecretName(name: string): boolean {
  return /password|passwd|passphrase|(?<![a-z])(pg)?pass(?![a-z])|pwd|token|secret|credential|(api|private|access)_?key|(^|[_-])key(?![a-z])/i.test(
    name,
  );
}

/** The text with passwords of URLs replaced by `***`: userinfo and parameters named like a secret. */
export function redactUrls(text: string): string {
  return text
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@"']*)@/gi, (_match, scheme: string, userinfo: string) => {
      const user = userinfo.split(':', 1)[0] ?? '';
      return userinfo.includes(':') ? `${scheme}${user}:${REDACTED}@` : `${scheme}${REDACTED}@`;
    })
    .replaceAll(/([?&;])([^=&;#\s"']+)=([^&;#\s"']*)/g, (match, mark: string, name: string) =>
      isSecretName(name) ? `${mark}${name}=${REDACTED}` : match,
    );
}
