import type { RunSummary } from '../../core/engine/events.js';
import type { JsonObject, RunRecord, RunStatus, StoredTask } from '../../core/spi/index.js';
import { text, type Command, type CommandContext } from '../command.js';
import { findRun, shownStatus } from '../find-run.js';
import { formatBytes, formatCount, formatCountOf, formatSeconds, formatTable, formatTime, printable } from '../format.js';
import { describeState, describeTarget } from '../report.js';
import { withSession } from '../session.js';
import { countOption, usageError } from '../subcommand.js';

const STATUSES: readonly RunStatus[] = ['running', 'held', 'committed', 'failed', 'cancelled', 'discarded'];

export const command: Command = {
  name: 'runs',
  usage: '[show RUN]',
  summary: 'List the runs of this project, newest first, or show one of them.',
  details: 'RUN is an id, the beginning or end of one, or `latest`.',
  options: {
    pipeline: { of: [''], value: 'NAME', help: 'only runs of this pipeline' },
    status: { of: [''], value: 'STATUS', help: `only runs that are ${STATUSES.join(', ')}` },
    limit: { of: [''], value: 'N', help: 'how many (default: 20)' },
  },
  examples: ['sluice runs --status failed --limit 5', 'sluice runs show latest'],
  subcommands: ['show'],
  arity: [0, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const store = await session.metastore();
      const [verb, id] = context.args;
      if (verb === undefined) {
        const status = readStatus(text(context.options, 'status'));
        const pipeline = text(context.options, 'pipeline');
        const limit = countOption('runs', 'limit', text(context.options, 'limit')) ?? 20;
        await printRuns(
          context,
          await store.listRuns({ limit, ...(pipeline === undefined ? {} : { pipeline }), ...(status === undefined ? {} : { status }) }),
        );
        return 0;
      }
      if (id === undefined)
        throw usageError('runs show', 'expected the id of a run', '`sluice runs` lists them; `sluice runs show latest` shows the newest one');
      const run = await findRun(store, id);
      await printRun(context, run, await store.finishedTasks(run.runId));
      return 0;
    }),
};

function readStatus(given: string | undefined): RunStatus | undefined {
  if (given === undefined) return undefined;
  const status = STATUSES.find((s) => s === given);
  if (!status) throw usageError('runs', `--status: expected ${STATUSES.join(', ')}, found ${given}`, 'e.g. --status failed');
  return status;
}

async function printRuns(context: CommandContext, runs: readonly RunRecord[]): Promise<void> {
  if (context.out.json) {
    for (const run of runs) await context.out.printJson(runFacts(run));
    return;
  }
  if (runs.length === 0) return context.out.say('no runs');
  const rows = runs.map((run) => {
    const summary = summaryOf(run);
    return [
      run.runId,
      run.key.pipeline,
      run.targetName,
      shownStatus(run),
      formatTime(run.startedAt),
      run.finishedAt === null ? '' : formatSeconds((run.finishedAt - run.startedAt) / 1000),
      summary ? formatCount(summary.written) : '',
      summary ? formatCount(summary.rejected) : '',
      run.error?.code ?? '',
    ];
  });
  await context.out.printLine(formatTable(['run', 'pipeline', 'target', 'status', 'started (UTC)', 'time', 'written', 'rejected', 'error'], rows));
}

async function printRun(context: CommandContext, run: RunRecord, tasks: readonly StoredTask[]): Promise<void> {
  if (context.out.json) {
    return context.out.printJson({
      ...runFacts(run),
      config_hash: run.configHash,
      plan: run.plan,
      tasks: tasks.map((t) => ({ task: t.task, ...t.report })),
    });
  }
  const summary = summaryOf(run);
  const lines = [
    ['run', run.runId],
    ['pipeline', run.key.pipeline],
    ['config', originOf(run)],
    ['target', run.targetName],
    ['status', shownStatus(run)],
    ['started', `${formatTime(run.startedAt)} UTC`],
    [
      'finished',
      run.finishedAt === null ? 'no' : `${formatTime(run.finishedAt)} UTC, after ${formatSeconds((run.finishedAt - run.startedAt) / 1000)}`,
    ],
    ...planLines(run.plan, tasks.length),
    ...(summary ? summaryLines(summary) : []),
    ...(run.error ? [['error', `${run.error.code}: ${run.error.message}`]] : []),
    ...(run.error?.hint === undefined ? [] : [['hint', run.error.hint]]),
    ...commitLines(run.commit, summary !== undefined),
    ...nextStep(run),
  ];
  await context.out.printLine(lines.map(([name, value]) => `${(name ?? '').padEnd(12)}${value ?? ''}`).join('\n'));
}

/** A run for `--json`: one object, without the plan. */
export function runFacts(run: RunRecord): JsonObject {
  return {
    run_id: run.runId,
    pipeline: run.key.pipeline,
    target: run.targetName,
    status: run.status,
    started_at: new Date(run.startedAt).toISOString(),
    finished_at: run.finishedAt === null ? null : new Date(run.finishedAt).toISOString(),
    summary: run.summary,
    error: run.error as JsonObject | null,
    commit: run.commit,
  };
}

function summaryOf(run: RunRecord): RunSummary | undefined {
  // A statement of SQL counts in its own words, which its commit tells.
  return typeof run.summary?.['read'] === 'number' ? (run.summary as unknown as RunSummary) : undefined;
}

function originOf(run: RunRecord): string {
  const file = (run.plan['origin'] as JsonObject | undefined)?.['file'];
  return typeof file === 'string' ? file : '(none)';
}

/** The command that made a run out of another one's rejects. */
function replayed(run: RunRecord): string | undefined {
  const of = (run.plan['origin'] as JsonObject | undefined)?.['replay_of'];
  return typeof of === 'string' ? `sluice rejects ${of} --replay` : undefined;
}

interface StoredPlan {
  readonly input: {
    readonly form: string;
    readonly tasks?: readonly (readonly { readonly file: { readonly name: string } }[])[];
    readonly plan?: { readonly tasks: readonly unknown[] };
  };
  readonly bytes: number | null;
  readonly notes: readonly string[];
  readonly output: { readonly schemaChanges: readonly string[] };
}

function planLines(stored: JsonObject, finished: number): string[][] {
  const plan = stored['plan'] as unknown as StoredPlan | undefined;
  if (!plan) return [];
  const count = plan.input.tasks?.length ?? plan.input.plan?.tasks.length ?? 0;
  const files = plan.input.tasks?.flat().map((task) => printable(task.file.name)) ?? [];
  const shown = files.length > 5 ? [...files.slice(0, 5), `and ${formatCount(files.length - 5)} more`] : files;
  return [
    ['tasks', `${formatCount(count)}, ${formatCount(finished)} finished${plan.bytes === null ? '' : `; ${formatBytes(plan.bytes)} to read`}`],
    ...(shown.length > 0 ? [['files', shown.join(', ')]] : []),
    ...plan.output.schemaChanges.map((change) => ['schema', change]),
    ...plan.notes.map((note) => ['note', note]),
    ...(stored['full_refresh'] === true ? [['mode', 'full refresh']] : []),
  ];
}

function summaryLines(summary: RunSummary): string[][] {
  return [
    [
      'rows',
      `${formatCount(summary.read)} read${summary.added > 0 ? `, ${formatCount(summary.added)} added` : ''}, ${formatCount(summary.written)} written, ${formatCount(summary.filtered)} filtered, ${formatCount(summary.rejected)} rejected`,
    ],
    ['written', `${formatBytes(summary.bytes_written)} in ${formatCountOf(summary.files_written, 'file')}`],
    ['memory', `${formatBytes(summary.peak_memory_bytes)} at most`],
    ...(summary.state_before === null && summary.state_after === null
      ? []
      : [['state', `${describeState(summary.state_before)} → ${describeState(summary.state_after)}`]]),
    // Runs of earlier versions have none.
    ...((summary.warnings as readonly string[] | undefined) ?? []).map((warning) => ['warning', warning]),
  ];
}

const COUNTED = ['rows', 'files', 'bytes'];

/** What else the target recorded; `counted`: the rows and files are said already. */
function commitLines(commit: JsonObject | null, counted: boolean): string[][] {
  const {
    table,
    tableUuid: _,
    metadataLocation,
    rows: _rows,
    files: _files,
    bytes: _bytes,
    schemaId: _schema,
    snapshotId,
    undone: _undone,
    written: _written,
    targets,
    ...rest
  } = commit ?? {};
  const others = Object.entries(rest).filter(([key, value]) => value !== null && !(counted && COUNTED.includes(key)));
  return [
    ...(snapshotId === undefined || snapshotId === null ? [] : [['snapshot', `${String(snapshotId)} of ${String(table)}`]]),
    ...(typeof metadataLocation === 'string' ? [['metadata', metadataLocation]] : []),
    ...(Array.isArray(targets) ? (targets as readonly JsonObject[]).map((target) => ['target', describeTarget(target)]) : []),
    ...(others.length === 0
      ? []
      : [
          [
            'commit',
            others
              .map(
                ([key, value]) =>
                  `${key.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
              )
              .join(', '),
          ],
        ]),
  ];
}

function nextStep(run: RunRecord): string[][] {
  switch (run.status) {
    case 'held':
      return [['next', `sluice commit ${run.runId}, or sluice discard ${run.runId}`]];
    case 'failed':
    case 'cancelled':
      return [['next', `${replayed(run) ?? 'run the config again'} to continue it; sluice discard ${run.runId} ends it`]];
    case 'running':
      return [['next', 'if its process is gone, run the config again to continue it']];
    case 'committed':
    case 'discarded':
      return [];
  }
}
