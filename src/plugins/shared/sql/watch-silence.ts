export interface SilenceOptions {
  /** Milliseconds; 0: as long as it takes. */
  readonly limitMs: number;
  /** A number that changes with all that is heard. */
  heard(): number;
  /** Whether the other side may speak: nothing holds it up, and its answer has not ended. */
  isAwaited(): boolean;
  onSilence(): void;
}

/** Tells when nothing was heard for too long, once or several times. Answers what ends the watch. */
export function watchSilence({ limitMs, heard, isAwaited, onSilence }: SilenceOptions): () => void {
  if (limitMs === 0) return () => undefined;
  let last = heard();
  let lastAt = Date.now();
  const look = (): void => {
    const now = heard();
    if (now !== last || !isAwaited()) {
      last = now;
      lastAt = Date.now();
    } else if (Date.now() - lastAt >= limitMs) onSilence();
  };
  const timer = setInterval(look, Math.max(50, Math.min(limitMs / 4, 5000)));
  return () => clearInterval(timer);
}
