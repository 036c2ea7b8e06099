import type { DecoderPlugin, FileInputPlugin, GuessSample, JsonObject, PluginContext, SourceFile } from '../../spi/index.js';
import { ConfigError } from '../../spi/index.js';
import { rawBytes } from '../file-plan.js';
import { decodeFile } from '../file-source.js';
import type { Configured } from '../pipeline.js';

const LITTLE = 40;

/** Embulk's choice: the first file that is not nearly empty, else the biggest. */
export function chooseSampleFile(files: readonly SourceFile[]): SourceFile | undefined {
  return files.find((file) => file.size >= LITTLE) ?? [...files].sort((a, b) => b.size - a.size)[0];
}

/** The first bytes of a file, decoded; `complete` when that is all of it. */
export async function readSample(
  input: Configured<FileInputPlugin>,
  file: SourceFile,
  section: JsonObject,
  decoders: readonly DecoderPlugin[],
  limit: number,
  ctx: PluginContext,
): Promise<GuessSample> {
  const wanted = (section['decoders'] ?? []) as readonly JsonObject[];
  const configured = wanted.map(({ type }) => {
    const decoder = decoders.find((d) => d.type === type);
    if (!decoder) {
      throw new ConfigError({
        code: 'DECODER_UNKNOWN',
        message: `in.decoders: expected one of ${decoders.map((d) => d.type).join(', ')}, found "${String(type)}"`,
        hint: 'name a decoder that exists',
      });
    }
    return { plugin: decoder, config: { type: decoder.type }, place: input.place };
  });
  const bytes = decodeFile(file, await rawBytes(input, file, ctx), configured, ctx);
  const parts: Uint8Array[] = [];
  let have = 0;
  let complete = true;
  for await (const chunk of bytes) {
    parts.push(chunk);
    have += chunk.length;
    if (have <= limit) continue;
    complete = false;
    break;
  }
  const opened = wanted.length === 0 ? await input.plugin.open(file, input.config, ctx) : undefined;
  return {
    bytes: Buffer.concat(parts, have).subarray(0, limit),
    fileName: file.name,
    complete,
    ...(opened && 'path' in opened ? { path: opened.path } : {}),
  };
}
