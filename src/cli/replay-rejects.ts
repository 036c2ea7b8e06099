import { mkdtemp, rm } from 'node:fs/promises';
import { createWriteStream, existsSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pipeline } from '../core/engine/pipeline.js';
import { ConfigError, quoteLiteral, type JsonObject, type RunRecord } from '../core/spi/index.js';
import type { CommandContext } from './command.js';
import { printSummaries } from './commands/run.js';
import { ProgressPrinter } from './progress.js';
import { findRejectsTable } from './rejects-table.js';
import { reloadPipeline } from './reload-pipeline.js';
import { rereadRejects, sourceChanged, type WantedRejects } from './reread-rejects.js';
import { EmbulkForm } from './embulk-form.js';
import type { Session } from './session.js';

/** Loads the raw records that a committed run rejected through the pipeline as it is now. */
export async function replayRejects(context: CommandContext, session: Session, run: RunRecord): Promise<void> {
  if (run.status !== 'committed') {
    const of = (run.plan['origin'] as JsonObject | undefined)?.['replay_of'];
    throw new ConfigError({
      code: 'REPLAY_NOT_COMMITTED',
      message: `run ${run.runId} is ${run.status}; only a committed run has rejects to replay`,
      hint:
        typeof of !== 'string'
          ? 'mend the config and run the pipeline again: it reads everything that did not commit'
          : `it replayed the rejects of run ${of}: sluice rejects ${of} --replay goes on with it`,
    });
  }
  refuseOfOneTarget(run);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-replay-'));
  try {
    const path = join(folder, 'rejects');
    const rows = await writeRawRecords(context, session, run, folder, path);
    if (rows === 0) {
      context.out.say(`run ${run.runId} rejected nothing`);
      return;
    }
    const { replayPipeline } = await import('../core/engine/replay.js');
    const { runPipeline } = await import('../core/engine/run.js');
    const pipeline = await currentPipeline(context, session, run);
    const progress = new ProgressPrinter(context.out, context.environment.clock);
    try {
      const services = await session.services((event) => progress.show(event));
      const options = { resume: 'auto', hold: false, fullRefresh: false, dryRun: false, origin: { replay_of: run.runId } } as const;
      await printSummaries(context, [await runPipeline(replayPipeline(pipeline, run.runId, path), options, services)]);
    } finally {
      progress.clear();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The other targets of a list hold the rows that one of them refused. */
function refuseOfOneTarget(run: RunRecord): void {
  const targets = run.commit?.['targets'];
  if (!Array.isArray(targets)) return;
  const refusing = (targets as readonly JsonObject[]).filter((target) => Number(target['refused'] ?? 0) > 0).map((target) => String(target['name']));
  if (refusing.length === 0) return;
  throw new ConfigError({
    code: 'REPLAY_ONE_TARGET',
    message: `run ${run.runId}: ${refusing.join(', ')} refused rows that other targets of the list may hold; a replay would write them there again`,
    hint: `read them from the rejects (their reasons name the target) with a pipeline of their own into ${refusing.join(', ')} alone`,
  });
}

/** The pipeline as its file says now; without a file (`sluice load`) as it was. */
async function currentPipeline(context: CommandContext, session: Session, run: RunRecord): Promise<Pipeline> {
  const origin = run.plan['origin'] as JsonObject | undefined;
  const file = origin?.['file'];
  if (typeof file !== 'string' || !existsSync(file)) return reloadPipeline(context, session, run);
  const { loadPipelines } = await import('../core/config/index.js');
  const { environment } = context;
  const { rewrite } = new EmbulkForm(context, { root: session.project.root, again: { embulk: origin?.['embulk'] === true } });
  const options = { registry: session.registry, project: session.project, env: environment.env, cwd: environment.cwd, rewrite };
  const configs = await loadPipelines(file, options);
  const config = configs.find(({ name }) => name === run.key.pipeline);
  return config ? session.pipeline(config) : reloadPipeline(context, session, run);
}

/** How many records there are; their text is in `path`. */
async function writeRawRecords(context: CommandContext, session: Session, run: RunRecord, folder: string, path: string): Promise<number> {
  const warehouse = await session.warehouse();
  const rejects = await findRejectsTable(warehouse, run);
  if (rejects === undefined) return 0;
  const { REPLAY_PADDING } = await import('../core/engine/replay.js');
  const where = `FROM ${rejects} WHERE run_id = ${quoteLiteral(run.runId)}`;
  const stream = createWriteStream(path);
  stream.write(REPLAY_PADDING);
  let rows = 0;
  const hidden: WantedRejects & { readonly sources: Set<string> } = { sources: new Set(), places: new Set() };
  const result = await warehouse.query(`SELECT source, record_number, raw ${where} ORDER BY source, record_number`, { signal: context.signal });
  try {
    for await (const [sources = [], numbers = [], raws = []] of result.chunks()) {
      for (const [i, raw] of raws.entries()) {
        if (typeof raw === 'string') {
          rows++;
          if (!stream.write(`${raw}\n`)) await once(stream, 'drain');
          continue;
        }
        const number = numbers[i] ?? null;
        if (number === null) throw sourceChanged(run, 'some of them have no place in it');
        hidden.sources.add(String(sources[i]));
        hidden.places.add(`${String(sources[i])}\0${String(number)}`);
      }
    }
  } finally {
    await result.close();
    stream.end();
    await once(stream, 'close');
  }
  return hidden.places.size === 0 ? rows : rows + (await rereadRejects(context, session, run, hidden, folder, path));
}
