/**
 * Decoded immutable objects by URI, least recently used first out. `weight` is in any unit the caller likes, such as
 * manifest entries.
 */
export class ObjectCache<T> {
  readonly #entries = new Map<string, { readonly value: Promise<T>; weight: number }>();
  readonly #capacity: number;
  readonly #weigh: (value: T) => number;
  #total = 0;

  constructor(capacity: number, weigh: (value: T) => number) {
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  /** The value of `uri`, loaded once even when asked for several times at once. A failed load is not kept. */
  get(uri: string, load: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(uri);
    if (known) {
      this.#entries.delete(uri);
      this.#entries.set(uri, known);
      return known.value;
    }
    const entry = { value: load(), weight: 0 };
    this.#entries.set(uri, entry);
    entry.value.then(
      (value) => this.#settle(uri, entry, this.#weigh(value)),
      () => this.#entries.delete(uri),
    );
    return entry.value;
  }

  set(uri: string, value: T): void {
    const entry = { value: Promise.resolve(value), weight: 0 };
    this.#entries.set(uri, entry);
    this.#settle(uri, entry, this.#weigh(value));
  }

  #settle(uri: string, entry: { readonly value: Promise<T>; weight: number }, weight: number): void {
    if (this.#entries.get(uri) !== entry) return;
    entry.weight = weight;
    this.#total += weight;
    for (const [oldest, { weight: freed }] of this.#entries) {
      if (this.#total <= this.#capacity || oldest === uri) break;
      this.#entries.delete(oldest);
      this.#total -= freed;
    }
  }
}
