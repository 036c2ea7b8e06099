import type { JsonObject, JsonValue } from '../core/spi/index.js';
import { formatPath } from '../core/config/index.js';
import type { ConfigPath } from '../core/config/config-path.js';

/** Something the user should know about the conversion. */
export interface ConversionNote {
  /** `added`: a default of Embulk that was written out. */
  readonly fate: 'mapped' | 'ignored' | 'added';
  /** Place in the config of Embulk. */
  readonly path: ConfigPath;
  /** The native key it concerns, or the section where the key is gone. */
  readonly native: ConfigPath;
  readonly text: string;
}

/** An error at a place of the config of Embulk. */
export interface ConversionProblem {
  readonly path: ConfigPath;
  readonly code: 'EMBULK_OPTION' | 'EMBULK_PLUGIN' | 'EMBULK_SHAPE';
  readonly text: string;
  readonly hint: string;
}

/** What the sections of one config gather. */
export class ConversionLog {
  readonly notes: ConversionNote[] = [];
  readonly problems: ConversionProblem[] = [];
  /** Native places and where they come from; the longest that fits counts. */
  readonly origins: { readonly native: ConfigPath; readonly source: ConfigPath }[] = [];
}

/** One mapping of the config while it is converted. */
export class Section {
  readonly given: JsonObject;
  /** Native keys so far. */
  readonly out: { [key: string]: JsonValue } = {};
  readonly #log: ConversionLog;
  readonly #source: ConfigPath;
  readonly #native: ConfigPath;

  constructor(given: JsonObject, log: ConversionLog, source: ConfigPath, native: ConfigPath) {
    this.given = given;
    this.#log = log;
    this.#source = source;
    this.#native = native;
    if (formatPath(source) !== formatPath(native)) log.origins.push({ native, source });
  }

  /** Writes a native key; `from` is the key of Embulk where it has another name. */
  set(key: string, value: JsonValue, from: string = key): void {
    this.out[key] = value;
    if (from !== key) this.#log.origins.push({ native: [...this.#native, key], source: [...this.#source, from] });
  }

  /** As {@link set}, with a note that says what was done. */
  map(key: string, value: JsonValue, from: string, text: string): void {
    this.set(key, value, from);
    this.#note('mapped', from, [...this.#native, key], text);
  }

  /** Writes out a default of Embulk. `near` is the key that errors about it should point at. */
  add(key: string, value: JsonValue, text: string, near?: string): void {
    this.set(key, value, near);
    this.#note('added', near, [...this.#native, key], text);
  }

  ignore(from: string, text: string): void {
    this.#note('ignored', from, this.#native, text);
  }

  refuse(from: string, text: string, hint: string): void {
    this.#log.problems.push({ path: [...this.#source, from], code: 'EMBULK_OPTION', text, hint });
  }

  #note(fate: ConversionNote['fate'], from: string | undefined, native: ConfigPath, text: string): void {
    this.#log.notes.push({ fate, path: from === undefined ? this.#source : [...this.#source, from], native, text });
  }
}
