/**
 * Where a warehouse's files lie. Objects are named by absolute URIs with a scheme (`file:///…`, later `s3://…`), are written
 * once and never changed. Errors: RemoteError FILE_SYSTEM, DISK_FULL, OBJECT_EXISTS.
 */
export interface Storage {
  /** URI of the storage root, without a slash at its end. */
  readonly root: string;
  /** Whole object; RemoteError OBJECT_MISSING when there is none. */
  read(uri: string): Promise<Uint8Array>;
  exists(uri: string): Promise<boolean>;
  /**
   * Writes a new object so that it is durable when this returns (data first, then its name). Fails with OBJECT_EXISTS when
   * the name is taken; `replace` swaps the content in one step instead.
   */
  write(uri: string, bytes: Uint8Array, options?: { readonly replace?: boolean }): Promise<void>;
  /**
   * Gives finished local files their final names: read-only (0444), durable when this returns, data before names.
   * The local file is gone afterwards. Names must be new.
   */
  publish(files: readonly { readonly localPath: string; readonly uri: string }[]): Promise<void>;
  /** Deletes objects; names without an object are fine. */
  delete(uris: readonly string[]): Promise<void>;
  /** Deletes all objects below a folder, and the folder. */
  deleteFolder(uri: string): Promise<void>;
  /** All objects below a folder, in no order. */
  list(folder: string): AsyncIterable<StoredObject>;
  /** Local path of a folder for files on their way to `publish`; made when missing. `uri` is what names it in records. */
  staging(folder: string): Promise<string>;
  /** Local path of an object that DuckDB can read. S3 fetches it into its cache. */
  localPath(uri: string): Promise<string>;
}

export interface StoredObject {
  readonly uri: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}
