import {
  ConfigError,
  type EncoderPlugin,
  type FileFormat,
  type FilePlan,
  type FormatterPlugin,
  type JsonValue,
  type PluginContext,
  type Schema,
} from '../spi/index.js';
import { castProblem, castSql } from '../engine/typing/index.js';
import type { Configured } from './section.js';

const VALUE_TEXT: FileFormat['text'] = {
  sql: (ref, type, text) => castSql(ref, type, 'string', text),
  problem: (type, text) => castProblem(type, 'string', text),
};

/** A configured formatter and its encoders as an output gets them. */
export class ConfiguredFormat implements FileFormat {
  readonly text = VALUE_TEXT;
  readonly #formatter: Configured<FormatterPlugin>;
  readonly #encoders: readonly Configured<EncoderPlugin>[];

  constructor(formatter: Configured<FormatterPlugin>, encoders: readonly Configured<EncoderPlugin>[]) {
    this.#formatter = formatter;
    this.#encoders = encoders;
  }

  plan(schema: Schema): FilePlan {
    const { plugin, config, place } = this.#formatter;
    const format = plugin.plan(config, schema, { text: VALUE_TEXT, place });
    const transforms = format.form === 'lines' && format.transform === true;
    const copyOptions = transforms || format.form === 'copy' ? undefined : this.#copyOptions();
    const encoded = transforms || (this.#encoders.length > 0 && copyOptions === undefined);
    if (encoded) this.#refuseUnavailable();
    const endings = this.#encoders.map((encoder) => encoder.plugin.extension);
    return { format, extension: [plugin.extension, ...endings].join(''), copyOptions: copyOptions ?? '', encoded };
  }

  /** DuckDB compresses text while it writes, on its own threads. */
  #copyOptions(): string | undefined {
    const [only, ...more] = this.#encoders;
    return only === undefined || more.length > 0 ? undefined : only.plugin.copyOptions?.(only.config);
  }

  #refuseUnavailable(): void {
    for (const { plugin, config, place } of this.#encoders) {
      const reason = plugin.unavailable?.(config);
      if (reason === undefined) continue;
      throw new ConfigError({
        code: 'ENCODER_UNAVAILABLE',
        message: `encoder ${plugin.type}: ${reason}`,
        hint: 'use encoder gzip',
        where: place.at(''),
      });
    }
  }

  encode(source: AsyncIterable<Uint8Array>, plan: FilePlan, ctx: PluginContext): AsyncIterable<Uint8Array> {
    const { plugin, config } = this.#formatter;
    const transforms = plan.format.form === 'lines' && plan.format.transform === true;
    const bytes = transforms && plugin.transform ? plugin.transform(source, config, ctx) : source;
    return this.#encoders.reduce((inner, encoder) => encoder.plugin.encode(inner, encoder.config, ctx), bytes);
  }

  toJSON(): JsonValue {
    return { formatter: this.#formatter.given, encoders: this.#encoders.map((encoder) => encoder.given) };
  }
}
