import { basename } from 'node:path';
import type { ConfigDocument } from '../core/config/index.js';
import type { ConversionNote } from '../embulk/index.js';
import { DataError, type JsonObject, type JsonValue } from '../core/spi/index.js';
import { flag, type CommandContext, type OptionSpec } from './command.js';

interface FormSettings {
  readonly root: string;
  /** A state is kept by `-c`. */
  readonly incremental?: boolean;
  /** False for seeds, where guess finds the rest. */
  readonly defaults?: boolean;
  /** The config of a run that is over: read as then, without a word. */
  readonly again?: { readonly embulk: boolean };
}

/** The switch of the verbs that read configs. */
export const EMBULK_OPTION: OptionSpec = { help: 'read the config as one of Embulk, whatever it looks like' };

/** Reads configs that are Embulk's, by their signs or by `--embulk`, and says what became of them. */
export class EmbulkForm {
  readonly #context: CommandContext;
  readonly #settings: FormSettings;
  /** A config was Embulk's, and Embulk would skip bad records of it. */
  #skipsBadRecords = false;

  constructor(context: CommandContext, settings: FormSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** For `rewrite` of the loading functions. */
  readonly rewrite = async (document: ConfigDocument): Promise<ConfigDocument> => {
    const { findSign, makeNativeDocument } = await import('../embulk/index.js');
    const { again, incremental = false, defaults = true } = this.#settings;
    const asked = again === undefined ? flag(this.#context.options, 'embulk') : again.embulk;
    const sign = asked ? '--embulk' : findSign(document.value);
    if (sign === undefined) return document;
    const native = makeNativeDocument(document, { incremental, defaults });
    if (native.conversion === undefined) return document;
    if (again === undefined) await this.#announce(document, native.conversion.notes, sign);
    this.#skipsBadRecords ||= !stopsOnBadRecords(document.value);
    return native.document;
  };

  async #announce(document: ConfigDocument, notes: readonly ConversionNote[], sign: string): Promise<void> {
    const { describeNote } = await import('../embulk/index.js');
    const { out, environment } = this.#context;
    out.say(`note: ${document.shown} is read as a config of Embulk (${sign}); \`sluice convert ${basename(document.file)}\` writes the native form`);
    for (const note of notes) if (note.fate !== 'added') out.say(`note: ${describeNote(note)}`);
    const prefix = ((document.value as JsonObject)['in'] as JsonObject | undefined)?.['path_prefix'];
    if (this.#settings.root !== environment.cwd && typeof prefix === 'string' && !prefix.startsWith('/'))
      out.say(`note: relative paths start in ${this.#settings.root}, not in the working folder`);
  }

  /** Adds to the error of a run what Embulk would have done. */
  explain(error: unknown): unknown {
    if (!this.#skipsBadRecords || !(error instanceof DataError) || error.code !== 'TOO_MANY_REJECTS') return error;
    return new DataError({
      code: error.code,
      message: error.message,
      hint: `Embulk would have skipped these records: exec.max_rejects: 100% (or --max-rejects 100%) does so, too, and keeps them for a look; or ${error.hint ?? ''}`,
      where: error.where,
      cause: error,
    });
  }
}

function stopsOnBadRecords(value: JsonValue): boolean {
  const input = (value as JsonObject)['in'] as JsonObject | undefined;
  const parser = input?.['parser'] as JsonObject | undefined;
  return parser?.['stop_on_invalid_record'] === true;
}
