import { stat } from 'node:fs/promises';
import { ConfigError, type FileInputPlugin, type JsonObject, type SourceFile } from '../spi/index.js';
import type { Pipeline } from './pipeline.js';

/** Byte in front of the records of a replay file: a file read from an offset has no header to skip. */
export const REPLAY_PADDING = '\n';

/**
 * The pipeline over the records that run `runId` rejected, after its config was mended. `path` holds their raw text, one
 * record after the other, behind {@link REPLAY_PADDING}. It has a state of its own, so that they are loaded once however often
 * it is run; what is rejected again goes to the rejects table under the new run's id.
 */
export function replayPipeline(pipeline: Pipeline, runId: string, path: string): Pipeline {
  if (!pipeline.parser) {
    throw new ConfigError({
      code: 'REPLAY_NEEDS_FILES',
      message: `${pipeline.name}: its input has no parser, so raw records cannot be read again`,
      hint: 'run it with --full-refresh',
    });
  }
  const name = `rejects of ${runId}`;
  const parserConfig: JsonObject = 'charset' in pipeline.parser.config ? { ...pipeline.parser.config, charset: 'UTF-8' } : pipeline.parser.config;
  return {
    ...pipeline,
    stream: `replay:${runId}`,
    input: { plugin: replayInput(name, path), config: {}, place: pipeline.input.place },
    parser: { ...pipeline.parser, config: parserConfig },
    decoders: [],
  };
}

/** Of a mode that takes away what was there the replayed rows would be all that stays. */
export function refuseReplayInto(pipeline: Pipeline, target: string): ConfigError {
  return new ConfigError({
    code: 'REPLAY_NEEDS_APPEND',
    message: `${pipeline.name}: a replay adds rows, but this output replaces those of ${target}`,
    hint: 'run the pipeline again: it reads everything',
    where: pipeline.output.place.at('mode'),
  });
}

function replayInput(name: string, path: string): FileInputPlugin {
  const describe = async (): Promise<SourceFile> => ({ name, size: (await stat(path)).size, startsAt: REPLAY_PADDING.length });
  return {
    kind: 'input',
    form: 'files',
    type: 'rejects',
    summary: 'Records that a run rejected.',
    stability: 'stable',
    schema: { type: 'object' },
    examples: [],
    list: async () => [await describe()],
    open: async () => ({ path }),
    stat: () => describe(),
  };
}
