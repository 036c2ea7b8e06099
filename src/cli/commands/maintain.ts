import { flag, type Command, type CommandContext } from '../command.js';
import { formatBytes, formatCount, formatCountOf } from '../format.js';
import { withSession } from '../session.js';
import type { MaintainReport, Problem, TableUpkeep } from '../../warehouse/index.js';

/** Some steps failed; the others were done. */
const INCOMPLETE = 1;

export const command: Command = {
  name: 'maintain',
  usage: '[TABLE...]',
  summary: 'Keep tables quick and small: compact files, expire snapshots and rows, delete what nobody needs any more.',
  details:
    'Without names all tables. Also ends runs that failed more than three days ago and deletes dropped tables whose period is over. ' +
    'Files that no record names are only listed, and deleted with --orphans --yes.',
  options: {
    'dry-run': { help: 'only say what would be done' },
    orphans: { help: 'also look for files older than three days that nothing names' },
    yes: { short: 'y', help: 'delete the orphans that are found' },
  },
  examples: ['sluice maintain', 'sluice maintain shop.orders --dry-run', 'sluice maintain --orphans --yes'],
  arity: [0, Infinity],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const warehouse = await session.warehouse();
      const report = await warehouse.maintain({
        tables: context.args,
        dryRun: flag(context.options, 'dry-run'),
        orphans: flag(context.options, 'orphans'),
        yes: flag(context.options, 'yes'),
        signal: context.signal,
      });
      await (context.out.json ? printJson(context, report) : printText(context, report));
      const failed = report.tables.some((t) => t.problems.length > 0) || report.dropped.some((d) => d.problem);
      return failed ? INCOMPLETE : 0;
    }),
};

async function printJson(context: CommandContext, report: MaintainReport): Promise<void> {
  for (const table of report.tables) await context.out.printJson({ event: 'maintain.table', dry_run: report.dryRun, ...tableJson(table) });
  for (const { table, tableUuid, files, problem } of report.dropped)
    await context.out.printJson({
      event: 'maintain.dropped',
      dry_run: report.dryRun,
      table,
      uuid: tableUuid,
      files,
      ...(problem ? { problem } : {}),
    });
  for (const { runId, table, paths } of report.runs)
    await context.out.printJson({ event: 'maintain.run', dry_run: report.dryRun, run_id: runId, table, paths });
  await context.out.printJson({ event: 'maintain', dry_run: report.dryRun, tables: report.tables.length, garbage_files: report.garbageFiles });
}

function tableJson(table: TableUpkeep): Record<string, unknown> {
  const { compaction } = table;
  return {
    table: table.table,
    ...(table.retention ? { retention: table.retention } : {}),
    compaction: {
      files_before: compaction.filesBefore,
      files_after: compaction.filesAfter,
      bytes_before: compaction.bytesBefore,
      bytes_after: compaction.bytesAfter,
      rows_folded: compaction.rowsFolded,
      commits: compaction.commits,
    },
    snapshots_expired: table.snapshotsExpired,
    manifests_merged: table.manifestsMerged,
    ...(table.orphans ? { orphans: table.orphans } : {}),
    notes: table.notes,
    problems: table.problems,
  };
}

async function printText({ out }: CommandContext, report: MaintainReport): Promise<void> {
  const would = report.dryRun ? 'would be ' : '';
  for (const table of report.tables) {
    const parts = tableParts(table, would);
    await out.printLine(`${table.table}: ${parts.length === 0 ? 'nothing to do' : parts.join('; ')}`);
    for (const path of table.orphans?.deleted === false ? table.orphans.paths : []) await out.printLine(`  ${path}`);
    for (const note of table.notes) out.say(`${table.table}: ${note}`);
    for (const problem of table.problems) sayProblem(out, problem);
  }
  for (const { table, files, problem } of report.dropped) {
    if (problem) sayProblem(out, problem);
    else await out.printLine(`${table} (dropped): ${formatCountOf(files, 'file')} ${would}deleted for good`);
  }
  for (const { runId, table, paths } of report.runs)
    await out.printLine(`run ${runId} (${table}): ${formatCountOf(paths, 'staged path')} ${would}deleted, run ${would}discarded`);
  if (report.garbageFiles > 0) await out.printLine(`${formatCountOf(report.garbageFiles, 'file')} that nothing needs any more ${would}deleted`);
  if (report.tables.some((t) => t.orphans && t.orphans.files > 0 && !t.orphans.deleted))
    out.say('orphans were only listed: --orphans --yes deletes them');
}

function tableParts({ retention, compaction, snapshotsExpired, manifestsMerged, orphans }: TableUpkeep, would: string): readonly string[] {
  const parts: string[] = [];
  if (retention && retention.rows > 0)
    parts.push(`${formatCountOf(retention.rows, 'row')} with ${retention.column} before ${retention.before.slice(0, 10)} ${would}deleted`);
  if (compaction.filesBefore > 0) {
    const folded = compaction.rowsFolded > 0 ? `, ${formatCount(compaction.rowsFolded)} deleted rows folded in` : '';
    const sizes =
      would === '' ? `, ${formatBytes(compaction.bytesBefore)} to ${formatBytes(compaction.bytesAfter)}` : `, ${formatBytes(compaction.bytesBefore)}`;
    parts.push(`${formatCountOf(compaction.filesBefore, 'file')} ${would}compacted into ${formatCount(compaction.filesAfter)}${sizes}${folded}`);
  }
  if (snapshotsExpired > 0) parts.push(`${formatCountOf(snapshotsExpired, 'snapshot')} ${would}expired`);
  if (manifestsMerged > 0) parts.push(`${formatCountOf(manifestsMerged, 'manifest')} ${would}merged`);
  if (orphans && orphans.files > 0)
    parts.push(`${formatCountOf(orphans.files, 'orphan')} (${formatBytes(orphans.bytes)}) ${orphans.deleted ? 'deleted' : 'found'}`);
  return parts;
}

function sayProblem(out: CommandContext['out'], problem: Problem): void {
  out.say(`error ${problem.code}: ${problem.message}`);
  if (problem.hint !== undefined) out.say(`hint: ${problem.hint}`);
}
