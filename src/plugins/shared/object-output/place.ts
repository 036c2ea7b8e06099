import type { JsonValue, PluginContext } from '../../../core/spi/index.js';

/** A finished local file that is to become an object. */
export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** Name of the object, relative to the place. */
  readonly name: string;
  /** Distinct for each file of each attempt: names what is staged. Letters, digits, `.`, `_`, `-`. */
  readonly id: string;
}

export interface StagingContext extends PluginContext {
  readonly runId: string;
  /** Stores URIs in the metastore; must be called before anything is written there. */
  record(uris: readonly string[]): Promise<void>;
}

/**
 * A folder, bucket or server that takes whole objects. Names are relative to the place, `/`-separated, already encoded, and
 * never contain `.` or `..` as a part. Every method throws SluiceErrors with the object's URI in the message; retryable ones
 * are repeated by the engine, so every method may be called again after it failed or after the process died.
 */
export interface Place {
  /** URI of the place, ending with `/`, without credentials; messages and records use it. */
  readonly base: string;
  /**
   * Names the place in the state key: the same as long as it is the same place for the user (a path relative to the
   * project, endpoint and bucket, user, host and port). Ends with `/`.
   */
  readonly identity: string;
  /** A local folder on the disk of the objects, for the files of one task; left out: the task's temp folder. */
  stagingFolder?(runId: string, id: string): string;
  /** Writes the file where nobody sees it (multipart upload without completion, temp name). Answers what `publish` needs. */
  stage(file: LocalFile, ctx: StagingContext): Promise<JsonValue>;
  /**
   * Lets the object appear whole under its name, replacing what is there. Called again for an object that is already
   * published: does nothing. `token` is the answer of `stage`. With `mustBeNew` a place that can compare and write in one step
   * throws ConfigError OBJECT_EXISTS for an object that somebody else wrote meanwhile.
   */
  publish(token: JsonValue, name: string, ctx: PluginContext, options?: { readonly mustBeNew: boolean }): Promise<void>;
  /** Gives up what `stage` wrote. Already published or missing: does nothing. */
  abandon(token: JsonValue, ctx: PluginContext): Promise<void>;
  exists(name: string, ctx: PluginContext): Promise<boolean>;
  /** A small object (a manifest); undefined when there is none. */
  read(name: string, ctx: PluginContext): Promise<Uint8Array | undefined>;
  /** Writes a small object whole, atomically where the place can, replacing what is there. */
  write(name: string, bytes: Uint8Array, ctx: PluginContext): Promise<void>;
  /** Names of the objects directly below `folder` (ends with `/`), in any order; a missing folder has none. */
  list(folder: string, ctx: PluginContext): Promise<readonly string[]>;
  /** Deletes objects by name; missing ones are fine. */
  delete(names: readonly string[], ctx: PluginContext): Promise<void>;
  /** Deletes what was recorded by URI: objects of this place (`base` + name) and whatever `stage` recorded. Missing ones are fine. */
  remove(uris: readonly string[], ctx: PluginContext): Promise<void>;
  /** Ends connections. */
  close(): Promise<void>;
}
