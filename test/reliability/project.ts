import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { systemClock, type Environment } from '../../src/cli/environment.js';
import { main } from '../../src/cli/main.js';
import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore, MetastoreOptions } from '../../src/metastore/types.js';
import { openWarehouse, type Warehouse } from '../../src/warehouse/index.js';
import type { JsonObject } from '../../src/core/spi/index.js';

export const FULL = process.env['SLUICE_ROUNDS'] === 'full';

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProjectOptions {
  readonly sluice?: JsonObject;
  /** How the tests themselves open the metastore, when it is not the project's own file. */
  readonly metastore?: MetastoreOptions;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Project {
  readonly root: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Writes `<name>.yml`. */
  pipeline(name: string, config: JsonObject): Promise<string>;
  /** One command line in this process. */
  sluice(argv: readonly string[], environment?: Partial<Environment>): Promise<CommandEnd>;
  /** Like `sluice`, and fails unless the command did what it was told. */
  must(...argv: string[]): Promise<string>;
  query(sql: string): Promise<JsonObject[]>;
  /** Opens the metastore beside the program. */
  withMetastore<T>(work: (store: Metastore, warehouse: Warehouse) => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

/** A project in a temporary folder. */
export async function makeProject(options: ProjectOptions = {}): Promise<Project> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-reliability-'));
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  };
  await write('sluice.yml', stringify({ name: 'reliability', ...options.sluice }));
  const sluice: Project['sluice'] = async (argv, environment = {}) => {
    const out = { stdout: '', stderr: '' };
    const collect = (name: 'stdout' | 'stderr') => ({
      write(text: string | Uint8Array) {
        out[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
        return true;
      },
      once() {},
    });
    const code = await main(argv, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdin: process.stdin,
      stdout: collect('stdout'),
      stderr: collect('stderr'),
      clock: systemClock,
      random: Math.random,
      reach() {},
      onInterrupt: () => () => {},
      exitNow() {},
      ...environment,
    });
    return { code, ...out };
  };
  const must: Project['must'] = async (...argv) => {
    const { code, stdout, stderr } = await sluice(argv);
    if (code !== 0) throw new Error(`sluice ${argv.join(' ')}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  };
  return {
    root,
    write,
    pipeline: (name, config) => write(`${name}.yml`, stringify(config)),
    sluice,
    must,
    async query(sql) {
      const lines = (await must('query', sql, '--format', 'jsonl')).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as JsonObject);
    },
    async withMetastore(work) {
      const metastore = await openMetastore(options.metastore ?? { url: `sqlite:${join(root, '.sluice', 'metastore.db')}` });
      try {
        const warehouse = openWarehouse({ metastore, root: `file://${join(root, '.sluice', 'warehouse')}`, clock: systemClock, log: { log() {} } });
        return await work(metastore, warehouse);
      } finally {
        await metastore.close();
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Every file below a folder, sorted; folders end in `/`. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.map((entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? '/' : '')).sort();
}

export interface Leftovers {
  /** Data files and staging folders that no snapshot references. */
  readonly data: readonly string[];
  /** Metadata files, manifests and manifest lists that no table references: a killed commit's. */
  readonly metadata: readonly string[];
  readonly temp: readonly string[];
  /** Staging rows of runs that have ended. */
  readonly recorded: readonly string[];
}

/** Compares what lies in storage and temp folder with what the metastore references. */
export async function findLeftovers(project: Project): Promise<Leftovers> {
  return project.withMetastore(async (store, warehouse) => {
    const known = new Set<string>();
    for (const pointer of await store.catalog.listTables()) {
      known.add(pathOf(pointer.metadataLocation));
      const table = await warehouse.reader.metadata(pointer.metadataLocation);
      for (const entry of table['metadata-log']) known.add(pathOf(entry['metadata-file']));
      for (const snapshot of table.snapshots) {
        known.add(pathOf(snapshot['manifest-list']));
        for (const manifest of await warehouse.reader.manifests(snapshot)) {
          known.add(pathOf(manifest.path));
          for (const entry of await warehouse.reader.entries(manifest)) known.add(pathOf(entry.file.path));
        }
      }
    }
    for (const path of await store.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 1e6)) known.add(pathOf(path));
    const storage = await listFiles(join(project.root, '.sluice', 'warehouse'));
    const unknown = storage.filter((path) => !known.has(path) && !path.includes('/warehouse/_sluice/'));
    const recorded: string[] = [];
    for (const run of await store.listRuns({})) {
      if (run.status === 'committed' || run.status === 'discarded') recorded.push(...(await store.stagedPaths(run.runId)).map((s) => s.path));
    }
    return {
      data: unknown.filter((path) => path.endsWith('.parquet') || /\/_staging\/[^/]+\/$/.test(path)),
      metadata: unknown.filter((path) => path.includes('/metadata/') && !path.endsWith('/')),
      temp: await listFiles(join(project.root, '.sluice', 'tmp')),
      recorded,
    };
  });
}

function pathOf(uri: string): string {
  return uri.startsWith('file:') ? fileURLToPath(uri) : uri;
}

/** Numbers in [0, 1) that a printed seed repeats (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Prints a figure beside the test's dots, for the closing note. */
export function report(text: string): void {
  process.stdout.write(`\n  # ${text}\n`);
}
