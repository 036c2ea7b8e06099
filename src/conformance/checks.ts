import { inspect, isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../core/spi/index.js';

/** One promise of a plugin. `run` throws when it is broken. */
export interface Check {
  readonly name: string;
  run(): Promise<void> | void;
}

/** What a plugin breaks of its contract: every failed check with its reason. */
export class ConformanceError extends Error {
  readonly failures: readonly { readonly check: string; readonly reason: string }[];
  constructor(plugin: string, failures: readonly { readonly check: string; readonly reason: string }[], passed: number) {
    const lines = failures.map(({ check, reason }) => `  - ${check}: ${reason}`);
    super(`${plugin}: ${failures.length} of ${failures.length + passed} checks failed\n${lines.join('\n')}`);
    this.name = 'ConformanceError';
    this.failures = failures;
  }
}

/** Runs all checks, one after the other, and answers their names; throws ConformanceError when any failed. */
export async function runChecks(plugin: string, checks: readonly Check[]): Promise<readonly string[]> {
  const failures: { check: string; reason: string }[] = [];
  for (const check of checks) {
    try {
      await check.run();
    } catch (error) {
      const { code } = error as { code?: unknown };
      const reason = error instanceof Error ? `${typeof code === 'string' ? `${code}: ` : ''}${error.message}` : String(error);
      failures.push({ check: check.name, reason });
    }
  }
  if (failures.length > 0) throw new ConformanceError(plugin, failures, checks.length - failures.length);
  return checks.map((check) => check.name);
}

export function expect(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new Error(expected);
}

export function expectEqual(found: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(found, expected)) return;
  const show = (value: unknown): string => inspect(value, { depth: 6, breakLength: 160, maxArrayLength: 20 });
  throw new Error(`${what}: expected ${show(expected)}, found ${show(found)}`);
}

/** The error of a call that must fail, as one that users may see: a SluiceError with a code in capitals and a hint. */
export async function errorOf(work: () => Promise<unknown>, secrets: readonly string[] = []): Promise<SluiceError> {
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown !== undefined, 'expected an error, but the call succeeded');
  const shown = inspect(thrown, { depth: 10 });
  for (const secret of secrets) expect(!shown.includes(secret), 'the error shows a secret of the config');
  expect(thrown instanceof SluiceError, `expected a ConfigError, DataError, RemoteError ... of sluice/spi, found ${inspect(thrown, { depth: 0 })}`);
  expect(/^[A-Z][A-Z0-9_]*$/.test(thrown.code), `expected a code such as FILE_GONE, found "${thrown.code}"`);
  expect(thrown.hint !== undefined && thrown.hint !== '', `${thrown.code}: expected a hint that says what to do`);
  return thrown;
}

/** The result of work that must end within `limitMs`, whatever it does. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
