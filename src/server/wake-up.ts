/** A pause that can be cut short: whoever makes work wakes the one who does it. */
export class WakeUp {
  #wake: (() => void) | undefined;
  #pending = false;

  wake(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, at a call of `wake` (also one since the last wait), or at once when `signal` has aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pending || signal?.aborted) {
        this.#pending = false;
        return resolve();
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#wake = undefined;
        this.#pending = false;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
