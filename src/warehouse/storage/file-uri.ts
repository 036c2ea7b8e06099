import { ConfigError } from '../../core/spi/index.js';

/**
 * Iceberg's file URIs are `file://` plus the path as it is: no engine decodes `%20`, so neither side of this
 * mapping encodes anything.
 */
export function uriOfPath(path: string): string {
  return `file://${path}`;
}

/** The local path of a `file:` URI; other engines also write `file:/path` and bare paths. */
export function pathOfFileUri(uri: string): string {
  const match = /^file:(?:\/\/)?(\/.*)$/s.exec(uri);
  if (match?.[1] !== undefined) return match[1];
  if (uri.startsWith('/')) return uri;
  throw new ConfigError({
    code: 'STORAGE_URI',
    message: `expected a file URI, got ${uri}`,
    hint: 'this warehouse can only read file:///… locations',
  });
}

/** `uri` relative to `folder`, or undefined when it lies elsewhere. */
export function relativeTo(folder: string, uri: string): string | undefined {
  const base = folder.endsWith('/') ? folder : `${folder}/`;
  return uri.startsWith(base) ? uri.slice(base.length) : undefined;
}
