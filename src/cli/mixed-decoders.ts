import type { GuessedConfig } from '../core/engine/guess/index.js';
import type { DecoderPlugin, JsonObject, SourceFile } from '../core/spi/index.js';

/**
 * Files that are packed in different ways, as their names say: the config then names no decoder, which leaves each file to its name.
 * What the sample's bytes say is kept where its name says something else.
 */
export function leaveToNames(
  guessed: GuessedConfig,
  sample: SourceFile,
  files: readonly SourceFile[],
  decoders: readonly Pick<DecoderPlugin, 'type' | 'extensions'>[],
): GuessedConfig {
  const found = (guessed.in['decoders'] ?? []) as readonly JsonObject[];
  const typeOf = ({ name }: SourceFile): string | undefined =>
    decoders.find((decoder) => decoder.extensions.some((extension) => name.toLowerCase().endsWith(extension)))?.type;
  const told = typeOf(sample);
  if (told === undefined || found.length !== 1 || found[0]?.['type'] !== told || files.every((file) => typeOf(file) === told)) return guessed;
  const { decoders: _, ...section } = guessed.in;
  return { ...guessed, in: section, notes: guessed.notes.filter((note) => note.path !== 'decoders') };
}
