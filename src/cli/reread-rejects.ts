import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Configured, Pipeline } from '../core/engine/pipeline.js';
import type { InputHalf, RunPlan } from '../core/engine/run-plan.js';
import {
  ConfigError,
  quoteIdentifier,
  type FileInputPlugin,
  type FilterPlugin,
  type JsonObject,
  type OutputPlan,
  type OutputPlugin,
  type RunRecord,
  type SourceFile,
  type StageReport,
} from '../core/spi/index.js';
import type { CommandContext } from './command.js';
import { reloadPipeline } from './reload-pipeline.js';
import type { Session } from './session.js';

/** Records rejected by a run, by source and number, that are to be found again. */
export interface WantedRejects {
  readonly sources: ReadonlySet<string>;
  /** `source\0number`. */
  readonly places: Set<string>;
}

/**
 * Reads the sources of a run again, through the pipeline as it was then, and writes the text of the wanted records behind what
 * `path` holds: for runs that did not keep it because a filter hides values. The text exists in `folder` only, which is the
 * caller's to delete. Errors: ConfigError REPLAY_SOURCE_CHANGED.
 */
export async function rereadRejects(
  context: CommandContext,
  session: Session,
  run: RunRecord,
  wanted: WantedRejects,
  folder: string,
  path: string,
): Promise<number> {
  const { openMetastore } = await import('../metastore/index.js');
  const { runPipeline } = await import('../core/engine/run.js');
  const plan = run.plan['plan'] as unknown as RunPlan;
  const files = filesOf(plan.input, wanted.sources);
  if (files.length < wanted.sources.size) throw sourceChanged(run, 'its source is not a set of files that can be read again');
  const found = join(folder, 'found.ndjson');
  const pipeline = collecting(await reloadPipeline(context, session, run), files, plan.output, found);
  const store = await openMetastore({ url: `sqlite:${join(folder, 'reread.db')}`, catalogName: 'reread' });
  try {
    const services = { ...(await session.services(() => undefined)), store };
    await runPipeline(pipeline, { resume: 'auto', hold: false, fullRefresh: false, dryRun: false, origin: {} }, services);
  } finally {
    await store.close();
  }
  return writeTexts(run, wanted.places, found, path);
}

function filesOf(input: InputHalf, sources: ReadonlySet<string>): readonly SourceFile[] {
  if (input.form !== 'files') return [];
  const files = new Map<string, SourceFile>();
  for (const { file, offset } of input.tasks.flat()) if (sources.has(file.name)) files.set(file.name, { ...file, startsAt: offset });
  return [...files.values()];
}

/** The pipeline over exactly these files, as they were, that keeps nothing but what it rejects, with its text. */
function collecting(pipeline: Pipeline, files: readonly SourceFile[], output: OutputPlan, found: string): Pipeline {
  const input = pipeline.input as Configured<FileInputPlugin>;
  return {
    ...pipeline,
    stream: 'reread',
    input: { ...input, plugin: { ...input.plugin, list: () => Promise.resolve(files) } },
    filters: pipeline.filters.map((filter) => ({ ...filter, plugin: showing(filter.plugin) })),
    output: { plugin: collector(output, found), config: {}, place: pipeline.output.place },
    exec: { ...pipeline.exec, maxRejects: { rows: Number.MAX_SAFE_INTEGER } },
  };
}

function showing(plugin: FilterPlugin): FilterPlugin {
  return { ...plugin, plan: async (config, schema, ctx) => ({ ...(await plugin.plan(config, schema, ctx)), hidesValues: false }) };
}

function collector(planned: OutputPlan, found: string): OutputPlugin {
  const target = { target: 'reread', name: 'reread', ignoresState: true };
  return {
    kind: 'output',
    type: 'reread',
    summary: 'Keeps rejects only.',
    stability: 'stable',
    schema: { type: 'object' },
    examples: [],
    identify: () => Promise.resolve(target),
    // The target's own rules reject rows, too.
    plan: () =>
      Promise.resolve({ ...target, schemaChanges: [], notes: [], details: {}, ...(planned.refusals ? { refusals: planned.refusals } : {}) }),
    remove: () => Promise.resolve(),
    async stage(_plan, relation, ctx) {
      const rows = await ctx.sql.rows(`SELECT ${quoteIdentifier(relation.statusColumn)} AS s, count(*) AS n FROM (${relation.select}) GROUP BY 1`);
      const counts = rows.map((row) => [String(row['s']), Number(row['n'])] as const);
      const written = counts.find(([status]) => status === '0')?.[1] ?? 0;
      return { ...NOTHING, rows: written, statuses: Object.fromEntries(counts.filter(([status]) => status !== '0')) };
    },
    async stageRejects(_plan, rejects) {
      await appendFile(found, await readFile(rejects.path));
      return { ...NOTHING, rows: rejects.rows };
    },
    async commit(_plan, _reports, _rejects, ctx) {
      await ctx.completeAlone({});
      return { details: {} };
    },
  };
}

const NOTHING: StageReport = { rows: 0, statuses: {}, bytes: 0, files: 0, staged: null };

async function writeTexts(run: RunRecord, places: Set<string>, found: string, path: string): Promise<number> {
  const records: { readonly source: string; readonly number: number; readonly raw: string }[] = [];
  for await (const line of existsSync(found) ? createInterface({ input: createReadStream(found), crlfDelay: Infinity }) : []) {
    const reject = JSON.parse(line) as JsonObject;
    const [source, number, raw] = [String(reject['source']), Number(reject['record_number']), reject['raw']];
    if (typeof raw === 'string' && places.delete(`${source}\0${number}`)) records.push({ source, number, raw });
  }
  if (places.size > 0) throw sourceChanged(run, `${places.size} of its rejected records were not found where they had been`);
  // Tasks end in any order; a replay is known by its content, so it must be the same each time.
  records.sort((a, b) => (a.source === b.source ? a.number - b.number : a.source < b.source ? -1 : 1));
  const stream = createWriteStream(path, { flags: 'a' });
  for (const { raw } of records) if (!stream.write(`${raw}\n`)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'close');
  return records.length;
}

export function sourceChanged(run: RunRecord, what: string): ConfigError {
  return new ConfigError({
    code: 'REPLAY_SOURCE_CHANGED',
    message: `run ${run.runId}: the text of its rejected records was not kept, because a filter hides values (mask, hash, remove_columns), and ${what}`,
    hint: 'mend the source file and load it under a new name, or run with --full-refresh',
  });
}
