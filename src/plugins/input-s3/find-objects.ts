import type { PluginContext } from '../../core/spi/index.js';
import { isKeyPattern, parseKeyPattern } from '../shared/aws/key-pattern.js';
import { listObjects, type ListedObject } from '../shared/aws/list-objects.js';
import type { S3Store } from '../shared/aws/open-s3.js';

export interface FoundObject extends ListedObject {
  /** Hive-style folders are looked for below it. */
  readonly base: string;
}

/** Objects whose key starts with the prefix, in byte order, without hidden names below it. */
export async function* findByPrefix(store: S3Store, prefix: string, ctx: PluginContext): AsyncGenerator<FoundObject> {
  const base = folderOf(prefix);
  // A prefix that itself ends in a hidden name asks for it.
  const asked = isHidden(prefix.slice(base.length)) ? 1 : 0;
  for await (const object of listObjects(store, prefix, ctx)) {
    if (!object.key.slice(base.length).split('/').slice(asked).some(isHidden)) yield { ...object, base };
  }
}

/** Keys, and globs, whose hidden names must be written out. A key that is not there is left out; an empty list is the caller's matter. */
export async function* findByPaths(store: S3Store, paths: readonly string[], ctx: PluginContext): AsyncGenerator<FoundObject> {
  const seen = new Set<string>();
  for (const path of paths) {
    const pattern = parseKeyPattern(path);
    const base = folderOf(pattern.prefix);
    for await (const object of listObjects(store, pattern.prefix, ctx)) {
      const wanted = isKeyPattern(path)
        ? pattern.matches(object.key) && !object.key.slice(base.length).split('/').some(isHidden)
        : object.key === path;
      if (wanted && !seen.has(object.key)) {
        seen.add(object.key);
        yield { ...object, base };
      }
      // A pattern may be a key, too.
      if (object.key === path && !isKeyPattern(path)) break;
    }
  }
}

function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1);
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_');
}
