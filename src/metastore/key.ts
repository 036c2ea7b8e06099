import type { StateKey } from '../core/spi/index.js';
import { textOf } from './connection.js';
import type { SqlRow } from './connection.js';

/** The four columns of a state key, in the order of `keyParams`. */
export const KEY_COLUMNS = 'project, pipeline, stream, target';
export const KEY_MATCH = 'project = $1 AND pipeline = $2 AND stream = $3 AND target = $4';

export function keyParams(key: StateKey): readonly [string, string, string, string] {
  return [key.project, key.pipeline, key.stream, key.target];
}

export function keyOf(row: SqlRow): StateKey {
  return { project: textOf(row, 'project'), pipeline: textOf(row, 'pipeline'), stream: textOf(row, 'stream'), target: textOf(row, 'target') };
}

/** For messages. */
export function describeKey(key: StateKey): string {
  return key.stream === '' ? `pipeline ${key.pipeline}` : `pipeline ${key.pipeline}, stream ${key.stream}`;
}
