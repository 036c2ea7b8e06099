import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BugError,
  ConfigError,
  quoteIdentifier,
  type CommitContext,
  type CommitReport,
  type JsonObject,
  type JsonValue,
  type LedgerEntry,
  type OutputPlan,
  type OutputPlanContext,
  type OutputPlugin,
  type PluginContext,
  type RowRefusal,
  type Schema,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../spi/index.js';
import { accountingError } from './accounting-error.js';
import type { RowTotals } from './execution.js';
import { copyLoad } from './load-copy.js';
import type { Configured } from './pipeline.js';
import { STATUS } from './select.js';
import { unobserved, type ObservedCommit } from './steps.js';
import { makeTempFolder } from './temp-folders.js';

/** One of several targets, and the rows it takes: all, or those where a condition is true. */
export interface Route {
  readonly output: Configured<OutputPlugin>;
  readonly where: string | undefined;
}

/** Status of rows that no target takes and that are dropped on purpose. */
const DROPPED = -1_000_000;
/** For one target: rows that its condition leaves out, and rows that it refuses. */
const LEFT_OUT = -1;
const REFUSED = 1;

/**
 * Several targets as one output: every row goes to each target whose condition is true; a target that refuses a row is the only
 * one that does without it, though the run counts the row as rejected. All are staged before anything commits; targets with a
 * ledger commit in order, and last, in the metastore's one transaction, all others and the state. What a crash leaves in between
 * is completed by the next start: a target looks into its ledger before it writes.
 */
export function combineOutputs(routes: readonly Route[], unmatched: 'reject' | 'drop'): Configured<OutputPlugin> {
  const first = routes[0]?.output;
  if (!first) throw new BugError({ code: 'NO_OUTPUT', message: 'a list of outputs without an output reached the engine' });
  return {
    plugin: new ManyOutputs(routes, unmatched, first),
    config: { allow_empty: routes.every((r) => r.output.config['allow_empty'] === true) },
    place: first.place,
  };
}

export function isOutputList(plugin: OutputPlugin): boolean {
  return plugin instanceof ManyOutputs;
}

/** Whether each target of a list tells which run it holds, so that a run that none of them holds has left nothing. */
export function tellsItsRuns(plugin: OutputPlugin): boolean {
  return plugin instanceof ManyOutputs && plugin.tellsItsRuns;
}

/** Rows of one target in the run's record; first those of the list, then {@link accountTargets} adds what never came to it. */
interface TargetFacts {
  readonly name: string;
  readonly type: string;
  /** Written. */
  readonly rows: number;
  readonly filtered: number;
  readonly rejected: number;
  /** Of `rejected`, those that this target alone did not take. */
  readonly refused: number;
}

/** Adds the rows that filters or the input kept from the list, so that for each target read + added = rows + filtered + rejected. */
export function accountTargets(facts: JsonObject, { read, added, filtered }: Pick<RowTotals, 'read' | 'added' | 'filtered'>): JsonObject {
  const { targets, entered, dropped, ...rest } = facts;
  if (!Array.isArray(targets) || typeof entered !== 'number' || typeof dropped !== 'number') return facts;
  const filteredBefore = filtered - dropped;
  const rejectedBefore = read + added - entered - filteredBefore;
  const all = (targets as unknown as readonly TargetFacts[]).map((target) => ({
    ...target,
    filtered: target.filtered + filteredBefore,
    rejected: target.rejected + rejectedBefore,
  }));
  return { ...rest, targets: all as unknown as JsonValue };
}

/** A task's report. */
export interface StagedList {
  /** Rows that came to the list, and those of them that no target takes and that are dropped. */
  readonly entered: number;
  readonly dropped: number;
  readonly targets: readonly StageReport[];
}

/** What the combined plan keeps of each target. */
interface TargetPart {
  readonly plan: OutputPlan;
  /** Checked SQL over the run's columns; null: every row. */
  readonly where: string | null;
}

class ManyOutputs implements OutputPlugin {
  readonly kind = 'output';
  readonly type = 'list';
  readonly summary = 'Several targets of one load.';
  readonly stability = 'stable';
  readonly schema = { type: 'object' } as const;
  readonly examples = [];
  /** Only tables that commit together can be asked before any of them has committed. */
  readonly checksTable?: true;
  readonly #routes: readonly Route[];
  readonly #unmatched: 'reject' | 'drop';
  readonly #first: Configured<OutputPlugin>;

  constructor(routes: readonly Route[], unmatched: 'reject' | 'drop', first: Configured<OutputPlugin>) {
    this.#routes = routes;
    this.#unmatched = unmatched;
    this.#first = first;
    if (routes.every(({ output: { plugin } }) => plugin.checksTable && plugin.commitTogether)) this.checksTable = true;
  }

  get tellsItsRuns(): boolean {
    return this.#routes.every(({ output: { plugin } }) => plugin.recover !== undefined || plugin.commitTogether !== undefined);
  }

  async identify(_config: JsonObject, ctx: OutputPlanContext): ReturnType<OutputPlugin['identify']> {
    const all = await Promise.all(this.#routes.map(({ output }) => output.plugin.identify(output.config, { ...ctx, place: output.place })));
    const names = this.#routes.map(({ output }, i) => `${output.plugin.type}:${all[i]?.name ?? ''}`);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw this.#problem('SAME_TARGET_TWICE', `${twice} stands twice in the list of outputs`, 'join the two with OR in where');
    const joined = new Set(this.#routes.flatMap(({ output }) => (output.plugin.commitTogether ? [output.plugin.type] : [])));
    if (joined.size > 1)
      throw this.#problem('OUTPUTS_APART', `outputs of type ${[...joined].join(' and ')} cannot commit together`, 'write one pipeline for each');
    if (new Set(all.map((each) => each.ignoresState)).size > 1) {
      throw this.#problem(
        'MODES_DIFFER',
        'some outputs of the list replace what was there and read everything, others add to it',
        'use modes of one kind, or write two pipelines',
      );
    }
    return { target: `list:${names.join(',')}`, name: all.map((each) => each.name).join(', '), ignoresState: all[0]?.ignoresState ?? false };
  }

  async recover(
    _config: JsonObject,
    key: Parameters<NonNullable<OutputPlugin['recover']>>[1],
    ctx: OutputPlanContext,
  ): ReturnType<NonNullable<OutputPlugin['recover']>> {
    const last: (LedgerEntry | undefined)[] = [];
    for (const { output } of this.#routes) {
      const own = { ...ctx, place: output.place };
      // What commits with the metastore tells nothing the metastore does not know.
      if (!output.plugin.recover) continue;
      const { target } = await output.plugin.identify(output.config, own);
      const answer = await output.plugin.recover(output.config, { ...key, target }, own);
      if (answer.kept) last.push(answer.last);
    }
    const [entry] = last.sort((a, b) => (b?.committedAt ?? 0) - (a?.committedAt ?? 0));
    if (last.length === this.#routes.length && last.every((each) => each?.runId === entry?.runId)) return { kept: true, last: entry };
    return { kept: false, ...(entry ? { begun: entry.runId } : {}) };
  }

  async plan(_config: JsonObject, schema: Schema, ctx: OutputPlanContext): Promise<OutputPlan> {
    const identity = await this.identify({}, ctx);
    const parts: TargetPart[] = [];
    const refusals: RowRefusal[] = [];
    for (const { output, where } of this.#routes) {
      const condition = where === undefined ? null : await this.#condition(where, schema, output, ctx);
      const plan = await output.plugin.plan(output.config, schema, { ...ctx, place: output.place });
      for (const refusal of plan.refusals ?? []) {
        const sql = condition === null ? refusal.sql : `(${condition}) AND (${refusal.sql})`;
        refusals.push({ ...refusal, sql, reason: `${plan.name}: ${refusal.reason}` });
      }
      parts.push({ plan, where: condition });
    }
    const conditions = parts.map((part) => part.where);
    const unrouted = conditions.includes(null) ? undefined : `NOT (${conditions.map((sql) => `coalesce(${sql ?? 'true'}, false)`).join(' OR ')})`;
    if (unrouted !== undefined && this.#unmatched === 'reject')
      refusals.push({ sql: unrouted, column: null, reason: 'unrouted: no output takes this row' });
    return {
      ...identity,
      absorbsRereads: parts.every(({ plan }) => plan.absorbsRereads === true),
      schemaChanges: parts.flatMap(({ plan }) => plan.schemaChanges.map((change) => `${plan.name}: ${change}`)),
      notes: parts.flatMap(({ plan }) => plan.notes.map((note) => `${plan.name}: ${note}`)),
      refusals,
      details: { targets: parts as unknown as JsonValue, unrouted: unrouted ?? null },
    };
  }

  async #condition(where: string, schema: Schema, output: Configured<OutputPlugin>, ctx: OutputPlanContext): Promise<string> {
    const checked = await ctx.check?.expression(where, schema);
    if (checked && 'sql' in checked && checked.type === 'boolean') return checked.sql;
    const problem =
      checked === undefined ? 'it cannot be checked here' : 'problem' in checked ? checked.problem : `it gives ${checked.type}, not boolean`;
    throw new ConfigError({
      code: 'ROUTE_WHERE',
      message: `where: ${problem}`,
      hint: `write a condition over the columns ${schema.map((column) => column.name).join(', ')}`,
      where: output.place.at('where'),
    });
  }

  async remove(paths: readonly string[], ctx: PluginContext): Promise<void> {
    for (const [i, { output }] of this.#routes.entries()) {
      const own = paths.filter((path) => path.startsWith(`${i}:`)).map((path) => path.slice(`${i}:`.length));
      if (own.length > 0) await output.plugin.remove(own, ctx, output.config);
    }
  }

  /** The task's rows are read once, into a copy; each target reads that. */
  async stage(plan: OutputPlan, relation: StagedRelation, ctx: StageContext): Promise<StageReport> {
    const { targets, unrouted } = plan.details as unknown as { targets: readonly TargetPart[]; unrouted: string | null };
    const status = quoteIdentifier(relation.statusColumn);
    const drops = unrouted !== null && this.#unmatched === 'drop';
    const path = join(ctx.tempDir, 'load.parquet');
    const marked = drops
      ? `SELECT * REPLACE (CASE WHEN ${status} = 0 AND (${unrouted}) THEN ${DROPPED} ELSE ${status} END AS ${status}) FROM (${relation.select})`
      : relation.select;
    const copy = await copyLoad({ ...relation, select: marked }, path, ctx);
    const refused = relation.refusalStatus === undefined ? 'false' : `${quoteIdentifier(STATUS)} >= ${relation.refusalStatus}`;
    const came = `${quoteIdentifier(STATUS)} IN (0, ${DROPPED}) OR ${refused}`;
    const counts = new Map<number, number>();
    let entered = 0;
    for (const row of await ctx.sql.rows(
      `SELECT ${quoteIdentifier(STATUS)} AS s, ${came} AS came, count(*) AS n FROM (${copy.select}) GROUP BY ALL`,
    )) {
      counts.set(Number(row['s']), Number(row['n']));
      if (row['came'] === true) entered += Number(row['n']);
    }
    const reports: StageReport[] = [];
    for (const [i, part] of targets.entries())
      reports.push(await this.#stageTarget(i, part, { ...copy, select: `SELECT * FROM (${copy.select}) WHERE ${came}` }, entered, ctx));
    if (ctx.keepsLoad !== true) await rm(path, { force: true });
    const rows = counts.get(0) ?? 0;
    counts.delete(0);
    const staged: StagedList = { entered, dropped: counts.get(DROPPED) ?? 0, targets: reports };
    return {
      rows,
      statuses: Object.fromEntries(counts),
      bytes: reports.reduce((sum, report) => sum + report.bytes, 0),
      files: reports.reduce((sum, report) => sum + report.files, 0),
      staged: staged as unknown as JsonValue,
      ...(ctx.keepsLoad === true ? { load: [path] } : {}),
    };
  }

  /** The rows that one target takes, of those that came to the list. */
  async #stageTarget(i: number, { plan, where }: TargetPart, came: StagedRelation, entered: number, ctx: StageContext): Promise<StageReport> {
    const route = this.#routes[i];
    if (!route) throw new BugError({ code: 'ROUTES_CHANGED', message: 'the plan has more targets than the config' });
    const columns = came.schema.map((c) => `${quoteIdentifier(c.name)}, `).join('');
    const refusals = (plan.refusals ?? []).map(({ sql }) => `WHEN coalesce((${sql}), false) THEN ${REFUSED}`);
    const cases = [...(where === null ? [] : [`WHEN NOT coalesce((${where}), false) THEN ${LEFT_OUT}`]), ...refusals];
    const status = cases.length === 0 ? '0' : `CASE ${cases.join(' ')} ELSE 0 END`;
    const select = `SELECT ${columns}${status}::INTEGER AS ${quoteIdentifier(STATUS)} FROM (${came.select})`;
    const tempDir = join(ctx.tempDir, `target-${i}`);
    await makeTempFolder(tempDir);
    const record: StageContext['record'] = (paths) => ctx.record(paths.map((path) => `${i}:${path}`));
    const { plugin, config } = route.output;
    const report = await plugin.stage(plan, { select, schema: came.schema, statusColumn: STATUS }, { ...ctx, tempDir, record }, config);
    const total = Object.values(report.statuses).reduce((sum, rows) => sum + rows, report.rows);
    if (total === entered) return report;
    throw accountingError(plan.name, `${entered} came, but ${total} were written, left out or refused`);
  }

  async commit(plan: OutputPlan, reports: readonly StageReport[], _rejects: readonly StageReport[], ctx: ObservedCommit): Promise<CommitReport> {
    const { targets } = plan.details as unknown as { targets: readonly TargetPart[] };
    if (targets.length !== this.#routes.length) {
      throw new ConfigError({
        code: 'ROUTES_CHANGED',
        message: `run ${ctx.runId} was planned for ${targets.length} outputs, but the config now has ${this.#routes.length}`,
        hint: 'restore the list of outputs until this run has committed',
      });
    }
    const lists = reports.map((report) => report.staged as unknown as StagedList);
    const parts = targets.map(({ plan: own }, i) => ({
      plan: own,
      output: (this.#routes[i] as Route).output,
      reports: lists.map((list) => list.targets[i] as StageReport),
    }));
    const all: JsonObject = {
      targets: parts.map(({ plan: { name }, output, reports: own }): JsonObject => ({ name, type: output.plugin.type, ...countTarget(own) })),
      entered: lists.reduce((sum, list) => sum + list.entered, 0),
      dropped: lists.reduce((sum, list) => sum + list.dropped, 0),
    };
    const after: (() => Promise<void>)[] = [];
    const observe = ctx.observe ?? unobserved;
    for (const { plan: own, output, reports: staged } of parts.filter((part) => !part.output.plugin.commitTogether)) {
      const key = { ...ctx.key, target: own.target };
      // The metastore hears of the run once, when all targets have it.
      const report = await observe(
        { step: 'commit', run_id: ctx.runId, target: own.name, type: output.plugin.type },
        () => output.plugin.commit(own, staged, [], { ...ctx, key, completeAlone: () => Promise.resolve() }, output.config),
        () => ({ written: countTarget(staged).rows }),
      );
      if (report.after) after.push(() => report.after?.() ?? Promise.resolve());
    }
    const rest = parts.filter((part) => part.output.plugin.commitTogether);
    // The state belongs to the list, not to one of its tables.
    const complete: CommitContext['complete'] = (tx, written) => ctx.complete(tx, { ...all, written });
    const last = rest[0];
    if (!last) await ctx.completeAlone(all);
    else {
      const own = { ...ctx, complete, completeAlone: () => ctx.completeAlone(all) };
      const step = {
        step: 'commit',
        run_id: ctx.runId,
        target: rest.map((part) => part.plan.name).join(', '),
        type: last.output.plugin.type,
      } as const;
      const report = await observe(
        step,
        () => this.#commitTogether(rest, last.output.plugin, own),
        () => ({ written: rest.reduce((sum, part) => sum + countTarget(part.reports).rows, 0) }),
      );
      if (report.after) after.push(() => report.after?.() ?? Promise.resolve());
    }
    return {
      details: all,
      after: async () => {
        for (const work of after) await work();
      },
    };
  }

  #commitTogether(
    parts: readonly { readonly plan: OutputPlan; readonly output: Configured<OutputPlugin>; readonly reports: readonly StageReport[] }[],
    plugin: OutputPlugin,
    ctx: CommitContext,
  ): Promise<CommitReport> {
    const [only] = parts;
    if (parts.length === 1 && only) return plugin.commit(only.plan, only.reports, [], ctx, only.output.config);
    if (!plugin.commitTogether) throw new BugError({ code: 'OUTPUTS_APART', message: `output ${plugin.type} cannot commit with others` });
    return plugin.commitTogether(
      parts.map(({ plan, reports, output }) => ({ plan, reports, config: output.config })),
      ctx,
    );
  }

  #problem(code: string, message: string, hint: string): ConfigError {
    return new ConfigError({ code, message, hint, where: this.#first.place.at('') });
  }
}

function countTarget(reports: readonly StageReport[]): Omit<TargetFacts, 'name' | 'type'> {
  const sum = (of: (report: StageReport) => number | undefined): number => reports.reduce((total, report) => total + (of(report) ?? 0), 0);
  const refused = sum((report) => report.statuses[REFUSED]);
  return { rows: sum((report) => report.rows), filtered: sum((report) => report.statuses[LEFT_OUT]), rejected: refused, refused };
}
