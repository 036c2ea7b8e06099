import { createHash } from 'node:crypto';
import { DataError, type PluginContext, type StateKey } from '../../../core/spi/index.js';
import { encodePart } from './naming.js';
import type { Place } from './place.js';

/** Inputs leave out names that start with `_`. */
const FOLDER = '_sluice/';
/** Folder of the intents. */
export const INTENTS = `${FOLDER}.commits/`;

/** The set of objects that one run wrote: the run is complete when this appears. */
export interface Manifest {
  readonly version: 1;
  readonly run_id: string;
  readonly pipeline: string;
  readonly stream: string;
  /** Identity of place and prefix. */
  readonly target: string;
  readonly mode: 'append' | 'replace';
  readonly fence: number;
  readonly written_at: string;
  readonly rows: number;
  readonly bytes: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly rows: number | null }[];
  /** Names of the manifests whose files this run takes the place of. */
  readonly replaces: readonly string[];
}

/** What a commit is about to publish; exists from its first step to its last. */
export interface Intent {
  readonly run_id: string;
  readonly target: string;
  readonly manifest: string;
  /** No other run makes these names. */
  readonly unique: boolean;
  readonly names: readonly string[];
}

export function manifestFolder(key: Pick<StateKey, 'pipeline' | 'stream'>): string {
  return `${FOLDER}${encodePart(key.pipeline)}/${key.stream === '' ? '' : `${encodePart(key.stream)}/`}`;
}

/** Two outputs of one pipeline may share folder and run id, but not the target. */
export function intentName(runId: string, target: string): string {
  return `${INTENTS}${encodePart(runId)}.${createHash('sha256').update(target).digest('hex').slice(0, 8)}.json`;
}

/** Where a place may keep what it stages; below its base. `id` is unique for each attempt. */
export function stagingName(runId: string, id: string): string {
  return `${FOLDER}.staging/${encodePart(runId)}/${id}`;
}

export async function readJson<T>(place: Place, name: string, ctx: PluginContext): Promise<T | undefined> {
  const bytes = await place.read(name, ctx);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as T;
  } catch (error) {
    throw new DataError({
      code: 'MANIFEST_DAMAGED',
      message: `${place.base}${name}: expected a manifest (JSON), found something else`,
      hint: 'restore or delete that file',
      cause: error,
    });
  }
}

export function writeJson(place: Place, name: string, value: Manifest | Intent, ctx: PluginContext): Promise<void> {
  return place.write(name, Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`), ctx);
}

/** All manifests of a folder with this target, by name. */
export async function findManifests(place: Place, folder: string, target: string, ctx: PluginContext): Promise<ReadonlyMap<string, Manifest>> {
  const found = new Map<string, Manifest>();
  const names = (await place.list(folder, ctx)).filter((name) => name.endsWith('.json')).sort();
  for (const name of names) {
    const manifest = await readJson<Manifest>(place, name, ctx);
    if (manifest?.target === target) found.set(name, manifest);
  }
  return found;
}
