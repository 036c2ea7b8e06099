import { pathToFileURL } from 'node:url';
import { DataError, type CommitContext, type CommitReport, type JsonObject, type PluginContext, type StageReport } from '../../../core/spi/index.js';
import { refuseExisting } from './existing.js';
import { forEachLimited } from './for-each-limited.js';
import { findManifests, INTENTS, intentName, manifestFolder, readJson, writeJson, type Intent, type Manifest } from './manifest.js';
import { namesAreUnique } from './naming.js';
import type { Place } from './place.js';
import type { ObjectPlan } from './plan.js';
import type { StagedObject, StagedObjects } from './stage.js';

/**
 * Intent, objects, manifest, deletion of what the manifest replaces, the run's record: in this order, each step harmless to
 * repeat, so that a later call completes what an earlier one began.
 */
export async function commitObjects(
  plan: ObjectPlan,
  target: string,
  reports: readonly StageReport[],
  place: Place,
  ctx: CommitContext,
): Promise<CommitReport> {
  const folder = manifestFolder(ctx.key);
  const { kept, spare } = choose(reports.map(stagedOf).flatMap((staged) => staged.objects));
  const { name, manifest } = await ownManifest(place, folder, target, ctx);
  const before = plan.replaces ? await findManifests(place, folder, target, ctx) : new Map<string, Manifest>();
  const written =
    manifest ?? (await publish(plan, target, { kept, rows: reports.reduce((sum, report) => sum + report.rows, 0) }, name, before, place, ctx));

  for (const { token } of spare) await place.abandon(token, ctx);
  const own = new Set(written.files.map((file) => file.name));
  for (const replaced of written.replaces) {
    const old = before.get(replaced);
    if (old === undefined) continue;
    await place.delete(
      old.files.map((file) => file.name).filter((file) => !own.has(file)),
      ctx,
    );
    await place.delete([replaced], ctx);
  }
  ctx.reach('objects.replaced');
  const facts: JsonObject = { manifest: place.base + name, files: written.files.length, bytes: written.bytes };
  await ctx.completeAlone(facts);
  return { details: facts };
}

async function publish(
  plan: ObjectPlan,
  target: string,
  { kept: objects, rows }: { readonly kept: readonly StagedObject[]; readonly rows: number },
  name: string,
  before: ReadonlyMap<string, Manifest>,
  place: Place,
  ctx: CommitContext,
): Promise<Manifest> {
  const names = objects.map((object) => object.name);
  refuseTwice(names, place);
  // What the manifests of this target list goes anyway when the run replaces it.
  const ours = new Set(plan.replaces ? [...before.values()].flatMap((manifest) => manifest.files.map((file) => file.name)) : []);
  if ((await readJson<Intent>(place, intentName(ctx.runId, target), ctx)) === undefined) {
    const unique = namesAreUnique(plan.pattern);
    const others = unique || plan.overwrite ? [] : names.filter((object) => !ours.has(object));
    await refuseExisting(place, others, ctx);
    await writeJson(place, intentName(ctx.runId, target), { run_id: ctx.runId, target, manifest: name, unique, names }, ctx);
    ctx.reach('objects.intent_written');
  }
  await forEachLimited(objects, async (object) => {
    ctx.signal.throwIfAborted();
    await place.publish(object.token, object.name, ctx, { mustBeNew: !plan.overwrite && !ours.has(object.name) });
    ctx.reach('objects.one_published');
  });
  ctx.reach('objects.published');
  const manifest: Manifest = {
    version: 1,
    run_id: ctx.runId,
    pipeline: ctx.key.pipeline,
    stream: ctx.key.stream,
    target,
    mode: plan.replaces ? 'replace' : 'append',
    fence: ctx.fence,
    written_at: new Date(ctx.clock.now()).toISOString(),
    rows,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    files: objects.map((object) => ({ name: object.name, bytes: object.bytes, rows: object.rows })),
    replaces: plan.replaces ? [...before.keys()] : [],
  };
  await writeJson(place, name, manifest, ctx);
  ctx.reach('objects.manifest_written');
  return manifest;
}

/** This run's manifest, when it is there already, and its name: two outputs of one pipeline may share folder and run id. */
async function ownManifest(
  place: Place,
  folder: string,
  target: string,
  ctx: CommitContext,
): Promise<{ readonly name: string; readonly manifest: Manifest | undefined }> {
  for (let i = 0; ; i++) {
    const name = `${folder}${ctx.runId}${i === 0 ? '' : `.${i}`}.json`;
    const manifest = await readJson<Manifest>(place, name, ctx);
    if (manifest === undefined || manifest.target === target) return { name, manifest };
  }
}

/** Files without rows stay out, unless the whole run has none: then the first one says so (with its header). */
function choose(objects: readonly StagedObject[]): { readonly kept: readonly StagedObject[]; readonly spare: readonly StagedObject[] } {
  const filled = objects.filter((object) => object.rows !== 0);
  const kept = filled.length > 0 ? filled : objects.slice(0, 1);
  return { kept, spare: objects.filter((object) => !kept.includes(object)) };
}

function refuseTwice(names: readonly string[], place: Place): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new DataError({
    code: 'OBJECT_NAMED_TWICE',
    message: `${place.base}${twice}: this run makes more than one file of this name (${names.length} files in all)`,
    hint: 'use path_prefix instead of path, or both numbers in sequence_format, such as %03d.%02d',
  });
}

/** The run is recorded; what is left over here harms nobody. A run that died just before this is tidied up, too. */
export async function cleanUpObjects(target: string, reports: readonly StageReport[], place: Place, ctx: CommitContext): Promise<void> {
  await place.remove(
    reports.map(stagedOf).flatMap((staged) => staged.folder ?? []),
    ctx,
  );
  const folder = manifestFolder(ctx.key);
  for (const name of await place.list(INTENTS, ctx)) {
    const intent = await readJson<Intent>(place, name, ctx);
    if (intent?.target !== target || !intent.manifest.startsWith(folder)) continue;
    // Only the lease's holder commits here: an older run of this pipeline and target has ended.
    await place.delete([name], ctx);
    if (place.stagingFolder) await place.remove([pathToFileURL(place.stagingFolder(intent.run_id, '')).href], ctx);
  }
}

/** Ends a run that will not commit: what it staged goes, and what its commit had already published under names of its own. */
export async function removeObjects(uris: readonly string[], place: Place, ctx: PluginContext): Promise<void> {
  const intents = new Set(uris.filter((uri) => uri.startsWith(place.base + INTENTS)));
  for (const uri of intents) {
    const intent = await readJson<Intent>(place, uri.slice(place.base.length), ctx);
    if (intent?.unique === true) await place.delete([intent.manifest, ...intent.names], ctx);
  }
  await place.remove(uris, ctx);
}

function stagedOf(report: StageReport): StagedObjects {
  return report.staged as unknown as StagedObjects;
}
