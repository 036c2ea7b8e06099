import { ConfigError, ownValue, Secret, type JsonObject, type JsonValue, type PluginContext } from '../spi/index.js';
import type { Pipeline } from './pipeline.js';

/**
 * A pipeline whose input names several streams, as one pipeline a stream; any other comes back alone. In the output's texts
 * `${stream_table}` stands for the stream's table and `${stream_schema}` for what stands before its last dot, both in lower
 * case with everything but a-z, 0-9 and _ replaced.
 */
export async function expandStreams(pipeline: Pipeline, ctx: PluginContext): Promise<readonly Pipeline[]> {
  const { plugin, config, place } = pipeline.input;
  if (plugin.form !== 'tasks' || !plugin.streams) return [pipeline];
  const streams = await plugin.streams(config, { ...ctx, place });
  if (streams === undefined) return [pipeline];
  if (streams.length === 0) {
    throw new ConfigError({
      code: 'NO_STREAMS',
      message: `${pipeline.name}: no table matches`,
      hint: '`sluice conns discover` lists what can be read',
      where: place.at('tables'),
    });
  }
  const named = streams.map((stream) => ({ ...stream, words: wordsOf(stream.name) }));
  const targets = new Map<string, string>();
  for (const { name, words } of named) {
    const filled = JSON.stringify(fillWords(pipeline.output.config, words));
    const other = targets.get(filled);
    if (other !== undefined) {
      throw new ConfigError({
        code: 'STREAMS_SHARE_TARGET',
        message: `${pipeline.name}: the streams ${other} and ${name} would be written to the same target`,
        hint: 'name the target after the stream, such as table: "shop.${stream_table}"',
        where: pipeline.output.place.at('table'),
      });
    }
    targets.set(filled, name);
  }
  return named.map(({ name, config: own, words }) => ({
    ...pipeline,
    stream: name,
    input: { ...pipeline.input, config: own },
    output: { ...pipeline.output, config: fillWords(pipeline.output.config, words) },
  }));
}

type Words = { readonly [word: string]: string };

function wordsOf(stream: string): Words {
  const dot = stream.lastIndexOf('.');
  return { stream_table: nameOf(stream.slice(dot + 1)), stream_schema: nameOf(dot < 0 ? '' : stream.slice(0, dot)) };
}

function nameOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_');
}

function fillWords(config: JsonObject, words: Words): JsonObject {
  return fill(config, words) as JsonObject;
}

function fill(value: JsonValue | Secret, words: Words): JsonValue | Secret {
  if (typeof value === 'string') return value.replaceAll(/\$\{(\w+)\}/g, (text, word: string) => ownValue(words, word) ?? text);
  if (value === null || typeof value !== 'object' || value instanceof Secret) return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => fill(item, words)) as JsonValue;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner as JsonValue, words)])) as JsonValue;
}
