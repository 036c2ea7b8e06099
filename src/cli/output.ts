import { SluiceError, type LogFields, type Logger, type LogLevel } from '../core/spi/index.js';
import type { RunEvent, RunSummary } from '../core/engine/events.js';
import type { Environment } from './environment.js';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface OutputOptions {
  readonly json: boolean;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
}

/** The two streams: stdout is data, stderr is progress, logs and errors. */
export class Output {
  readonly json: boolean;
  readonly logJson: boolean;
  readonly #level: number;
  readonly #environment: Environment;
  readonly #secrets = new Set<string>();
  /** Clears a live progress line before anything else is printed. */
  beforePrint: () => void = () => {};
  readonly #stdoutLost: AbortSignal;

  /** `stdoutLost` is aborted when stdout takes no more. */
  constructor(environment: Environment, options: OutputOptions, stdoutLost: AbortSignal) {
    this.#environment = environment;
    this.#stdoutLost = stdoutLost;
    this.json = options.json;
    this.logJson = options.json || options.logFormat === 'json';
    this.#level = LEVELS.indexOf(options.logLevel);
  }

  get isTerminal(): boolean {
    return this.#environment.stderr.isTTY === true && !this.logJson;
  }

  get stdoutIsTerminal(): boolean {
    return this.#environment.stdout.isTTY === true;
  }

  get colors(): boolean {
    const { env, stderr } = this.#environment;
    return stderr.isTTY === true && (env['NO_COLOR'] === undefined || env['NO_COLOR'] === '') && env['TERM'] !== 'dumb';
  }

  /** Values that must never be printed. */
  hide(secrets: Iterable<string>): void {
    for (const secret of secrets) if (secret.length >= 4) this.#secrets.add(secret);
  }

  /** Data for stdout; resolves when the reader keeps up, throws when stdout is lost. */
  async print(text: string | Uint8Array): Promise<void> {
    this.beforePrint();
    const { stdout } = this.#environment;
    const signal = this.#stdoutLost;
    signal.throwIfAborted();
    if (stdout.write(typeof text === 'string' ? this.#redact(text) : text)) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      stdout.once('drain', () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  printLine(text: string): Promise<void> {
    return this.print(`${text}\n`);
  }

  printJson(value: unknown): Promise<void> {
    return this.printLine(stringify(value));
  }

  /** Text for people, on stderr; nothing in JSON mode. */
  say(text: string): void {
    if (this.logJson) return;
    this.beforePrint();
    this.#environment.stderr.write(`${this.#redact(text)}\n`);
  }

  event(event: RunEvent): void {
    if (!this.logJson) return;
    this.#environment.stderr.write(`${this.#redact(stringify(event))}\n`);
  }

  raw(text: string): void {
    this.#environment.stderr.write(text);
  }

  get logger(): Logger {
    return { log: (level, message, fields) => this.#log(level, message, fields) };
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (LEVELS.indexOf(level) < this.#level) return;
    const time = new Date(this.#environment.clock.now()).toISOString();
    if (this.logJson) {
      this.#environment.stderr.write(`${this.#redact(stringify({ event: 'log', time, level, message, ...fields }))}\n`);
      return;
    }
    const pairs = Object.entries(fields ?? {}).map(
      ([key, value]) => ` ${key}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value)}`,
    );
    this.say(`${level}: ${message}${pairs.join('')}`);
  }

  fail(error: unknown): number {
    const problem = describeError(error);
    if (this.logJson) {
      // With --json the last line of stdout is the outcome, good or bad.
      const stream = this.json && !this.#stdoutLost.aborted ? this.#environment.stdout : this.#environment.stderr;
      stream.write(`${this.#redact(stringify({ event: 'error', ...problem }))}\n`);
    } else {
      const label = this.colors ? '\u001b[31merror\u001b[0m' : 'error';
      this.say(`${label} ${problem.code}: ${problem.message}`);
      if (problem.hint !== undefined) this.say(`hint: ${problem.hint}`);
      if (problem.exit_code === 70 && error instanceof Error && error.stack) this.say(error.stack);
    }
    return problem.exit_code;
  }

  #redact(text: string): string {
    let out = text;
    for (const secret of this.#secrets) out = out.replaceAll(secret, '***');
    return out;
  }
}

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exit_code: number;
  readonly run_id?: string;
  readonly where?: SluiceError['where'];
}

export function describeError(error: unknown): ErrorReport {
  if (error instanceof SluiceError) {
    const { file, line, column, path } = error.where;
    const place = [file === undefined ? undefined : `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}`, path]
      .filter((p) => p !== undefined && p !== '')
      .join(' ');
    const said = withoutPath(error.message, path);
    const message = place !== '' && !said.startsWith(file ?? '\0') ? `${place}: ${said}` : said;
    const runId = (error as { runId?: string }).runId;
    return {
      code: error.code,
      message,
      exit_code: error.exitCode,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(runId === undefined ? {} : { run_id: runId }),
      ...(Object.keys(error.where).length > 0 ? { where: error.where } : {}),
    };
  }
  return {
    code: 'UNEXPECTED',
    message: error instanceof Error ? error.message : String(error),
    hint: 'this is a defect of sluice; please report it with the command and the stack below',
    exit_code: 70,
  };
}

/** A message may start with its place, or with that part of it which its plugin knows; the whole path is told once. */
function withoutPath(message: string, path: string | undefined): string {
  const label = /^([^\s:]+): /.exec(message)?.[1];
  if (path === undefined || label === undefined) return message;
  const isPart = path === label || path.endsWith(`.${label}`) || (path.startsWith(label) && /^[.[]/.test(path.slice(label.length)));
  return isPart ? message.slice(label.length + 2) : message;
}

/** JSON with bigints as numbers where they are safe, else as strings. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? (Number.isSafeInteger(Number(v)) ? Number(v) : v.toString()) : v));
}

export type { RunSummary };
