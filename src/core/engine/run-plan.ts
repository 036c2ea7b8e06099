import {
  BugError,
  ConfigError,
  DataError,
  type FileInputPlugin,
  type FilterStep,
  type InputPlan,
  type InputPlugin,
  type JsonObject,
  type JsonValue,
  type OutputPlan,
  type ParserPlan,
  type PluginContext,
  type Schema,
  type SourceColumn,
  type SourceFile,
  type SqlConnection,
  type WholeFilter,
} from '../spi/index.js';
import { planFiles, type FilePlan, type OnChanged, type PlannedFile } from './file-plan.js';
import { decodersOf, groupFiles, lastRecordEnd, openParserFile, type TaskFile } from './file-source.js';
import { nextFileState, readFileState } from './file-state.js';
import type { Configured, SourcePipeline } from './pipeline.js';
import type { FusedFilter } from './select.js';
import { checkFilterCasts, checkTextFormats } from './text-formats.js';
import { createSqlCheck } from './typing/index.js';

/** The input's half of a plan; JSON, stored with the run. */
export type InputHalf =
  | {
      readonly form: 'files';
      readonly columns: readonly SourceColumn[];
      readonly partitionColumns: readonly SourceColumn[];
      readonly tasks: readonly (readonly TaskFile[])[];
      readonly parser: ParserPlan;
      readonly refreshed: readonly SourceFile[];
      /** Names of files that are loaded again with other content. */
      readonly reloaded?: readonly string[];
    }
  | { readonly form: 'tasks'; readonly plan: InputPlan };

export interface RunPlan {
  readonly version: 1;
  readonly input: InputHalf;
  readonly output: OutputPlan;
  /** Columns as the output gets them. */
  readonly schema: Schema;
  /** Where rejects go when the output keeps none itself: the reject store's plan. */
  readonly rejects?: JsonObject;
  readonly startedAt: number;
  /** Nominal time of the schedule's period that it is for. */
  readonly scheduledTime?: number;
  readonly stateBefore: JsonValue;
  readonly notes: readonly string[];
  readonly bytes: number | null;
}

/** A stretch of row-wise filters, and the whole-run filter that ends it, if any. */
export interface Segment {
  readonly filters: readonly FusedFilter[];
  readonly firstFilter: number;
  readonly whole: WholeFilter | undefined;
}

export interface PlannedFilters {
  readonly segments: readonly Segment[];
  readonly schema: Schema;
  readonly hidesValues: boolean;
}

export interface PlanContext extends PluginContext {
  readonly sql: SqlConnection;
}

export function taskCount(plan: RunPlan): number {
  return plan.input.form === 'files' ? plan.input.tasks.length : plan.input.plan.tasks.length;
}

export function sourceSchema(input: InputHalf): readonly SourceColumn[] {
  return input.form === 'files' ? [...input.columns, ...input.partitionColumns] : input.plan.columns;
}

/** Discovers the source and splits the work. */
export async function planInput(
  pipeline: SourcePipeline,
  state: JsonValue | undefined,
  useState: boolean,
  ctx: PlanContext,
): Promise<{ readonly input: InputHalf; readonly notes: readonly string[]; readonly bytes: number | null }> {
  const { plugin, config, place } = pipeline.input;
  if (plugin.form === 'tasks') {
    const plan = await (plugin as InputPlugin).plan(config, { ...ctx, place, state, useState });
    checkTextFormats(plan.columns, pipeline.input);
    return { input: { form: 'tasks', plan }, notes: plan.notes, bytes: plan.bytes ?? null };
  }
  return planFileInput(pipeline, plugin, state, useState, ctx);
}

async function planFileInput(
  pipeline: SourcePipeline,
  plugin: FileInputPlugin,
  state: JsonValue | undefined,
  useState: boolean,
  ctx: PlanContext,
): Promise<{ readonly input: InputHalf; readonly notes: readonly string[]; readonly bytes: number | null }> {
  const { config, place } = pipeline.input;
  if (!pipeline.parser) throw new BugError({ code: 'NO_PARSER', message: `${pipeline.name}: a file input without a parser reached the engine` });
  const listed = await plugin.list(config, { ...ctx, place });
  const files = readFileState(state);
  const onChanged = (config['on_changed'] ?? 'error') as OnChanged;
  const incremental = useState && config['incremental'] !== false;
  const input = pipeline.input as Configured<FileInputPlugin>;
  const chosen = limitFiles(await planFiles(input, listed, files, { incremental, onChanged }, ctx), plugin.mostFiles?.(config));
  const taskFiles = await Promise.all(chosen.read.map((planned) => toTaskFile(pipeline, planned, onChanged, ctx)));
  const parserFiles = await Promise.all(taskFiles.map((file) => openParserFile(pipeline, file, ctx)));
  const memory = incremental ? files.memory : undefined;
  const parser = await pipeline.parser.plugin.plan(pipeline.parser.config, parserFiles, { ...ctx, place: pipeline.parser.place, memory });
  checkTextFormats(parser.columns, pipeline.parser);
  const partitionColumns = hiveColumns(chosen.read, parser.columns, pipeline);
  const tasks = groupFiles(taskFiles, pipeline.parser.plugin.filesPerTask ?? 1);
  const bytes = taskFiles.reduce((sum, f) => sum + (f.end ?? f.file.size) - f.offset, 0);
  return {
    input: { form: 'files', columns: parser.columns, partitionColumns, tasks, parser, refreshed: chosen.refreshed, reloaded: chosen.reloaded },
    notes: [...chosen.notes, ...(parser.notes ?? [])],
    bytes,
  };
}

function limitFiles(plan: FilePlan, most = Infinity): FilePlan {
  const left = plan.read.length - most;
  if (left <= 0) return plan;
  const read = plan.read.slice(0, most);
  const names = new Set(read.map(({ file }) => file.name));
  return {
    ...plan,
    read,
    reloaded: plan.reloaded.filter((name) => names.has(name)),
    notes: [...plan.notes, `${left} more ${left === 1 ? 'file is' : 'files are'} left to the next run`],
  };
}

async function toTaskFile(pipeline: SourcePipeline, planned: PlannedFile, onChanged: OnChanged, ctx: PluginContext): Promise<TaskFile> {
  const decoders = decodersOf(pipeline, planned.file.name).map((d) => d.plugin.type);
  if (onChanged !== 'tail') return { ...planned, decoders };
  const end = decoders.length > 0 ? undefined : await lastRecordEnd(pipeline, planned.file, planned.offset, ctx);
  if (end !== undefined) return { ...planned, decoders, end };
  const what = decoders.length > 0 ? 'a compressed file' : `a file that the parser ${pipeline.parser?.plugin.type ?? ''} reads with these options`;
  throw new ConfigError({
    code: 'TAIL_NEEDS_PLAIN',
    message: `${planned.file.name}: on_changed: tail cannot follow ${what}`,
    hint: 'use on_changed: error or skip for such files',
    where: pipeline.input.place.at('on_changed'),
  });
}

/** Folder values (`country=jp`) become text columns after the file's own. */
function hiveColumns(files: readonly PlannedFile[], own: readonly SourceColumn[], pipeline: SourcePipeline): SourceColumn[] {
  const names = new Set<string>();
  for (const { file } of files) for (const name of Object.keys(file.partition ?? {})) names.add(name);
  for (const name of names) {
    const clash = own.find((c) => c.name.toLowerCase() === name.toLowerCase());
    if (clash) {
      throw new ConfigError({
        code: 'HIVE_COLUMN_CLASH',
        message: `folder column ${name} and file column ${clash.name} have the same name`,
        hint: 'set hive_partitioning: false, or rename the column',
        where: pipeline.input.place.at(''),
      });
    }
  }
  return [...names].map((name) => ({ name, type: 'string', text: {} }));
}

/** Reading rows a second time needs a target where they take the place of the first ones. */
export function refuseRereads(pipeline: SourcePipeline, input: InputHalf, output: OutputPlan): void {
  if (output.absorbsRereads === true || output.ignoresState) return;
  if (input.form === 'files') return refuseReload(input.reloaded ?? []);
  if (input.plan.rereads !== true) return;
  throw new ConfigError({
    code: 'REREADS_NEED_MERGE',
    message: `${pipeline.name}: the input reads a part again that was loaded before, and ${output.name} would hold its rows twice`,
    hint: 'use mode: merge with keys, or mode: replace with replace_where for that range; databases can skip rows they loaded by primary_key',
    where: pipeline.input.place.at(''),
  });
}

function refuseReload([first]: readonly string[]): void {
  if (first === undefined) return;
  throw new DataError({
    code: 'RELOAD_NEEDS_REPLACE',
    message: `${first}: changed since it was loaded, and on_changed: reload would load its rows a second time`,
    hint: 'reload needs out.mode merge, truncate or replace',
    where: { file: first },
  });
}

/** Maps the schema through all filters and cuts the chain at whole-run filters. */
export async function planFilters(pipeline: SourcePipeline, schema: Schema, startedAt: number, ctx: PlanContext): Promise<PlannedFilters> {
  const segments: Segment[] = [];
  let filters: FusedFilter[] = [];
  let firstFilter = 0;
  let current: Schema = schema.map(({ name, type }) => ({ name, type }));
  let hidesValues = false;
  for (const [i, { plugin, config, place }] of pipeline.filters.entries()) {
    const step: FilterStep = await plugin.plan(config, current, { ...ctx, place, startedAt, check: createSqlCheck(ctx.sql) });
    checkFilterCasts(step, current, { config, place });
    current = step.form === 'rows' ? step.columns : step.form === 'expand' ? step.columns : step.schema;
    current = current.map(({ name, type }) => ({ name, type }));
    hidesValues ||= step.form !== 'expand' && step.hidesValues === true;
    if (step.form === 'whole') {
      segments.push({ filters, firstFilter, whole: step });
      filters = [];
      firstFilter = i + 1;
    } else filters.push(step);
  }
  segments.push({ filters, firstFilter, whole: undefined });
  assertDistinct(current, pipeline);
  return { segments, schema: current, hidesValues };
}

function assertDistinct(schema: Schema, pipeline: SourcePipeline): void {
  const seen = new Map<string, string>();
  for (const { name } of schema) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new ConfigError({
        code: 'DUPLICATE_COLUMN',
        message: `columns ${other} and ${name} differ only by case`,
        hint: 'rename one of them (filter rename)',
        where: (pipeline.filters.at(-1) ?? pipeline.input).place.at(''),
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** The state that the commit stores; undefined leaves the old one. */
export function stateAfter(
  pipeline: SourcePipeline,
  plan: RunPlan,
  facts: ReadonlyMap<string, { readonly source: string; readonly hash: string; readonly bytes: number }>,
  useState: boolean,
): JsonValue | undefined {
  const before = useState && plan.stateBefore !== null ? plan.stateBefore : undefined;
  if (plan.input.form === 'tasks') return (pipeline.input.plugin as InputPlugin).nextState?.(plan.input.plan, before, pipeline.input.config);
  if (pipeline.input.config['incremental'] === false) return undefined;
  const read = plan.input.tasks
    .flat()
    .filter((task) => task.file.keptAt === undefined)
    .map((task) => ({
      file: task.end === undefined ? task.file : { ...task.file, size: task.end },
      fact: facts.get(task.file.name),
    }));
  return nextFileState(readFileState(before), read, plan.input.refreshed, plan.input.parser.memory);
}

export function asJson(plan: RunPlan): JsonObject {
  return JSON.parse(JSON.stringify(plan)) as JsonObject;
}
