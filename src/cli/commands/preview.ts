import { resolve } from 'node:path';
import type { PipelineDraft } from '../../core/config/index.js';
import type { Preview } from '../../core/engine/preview.js';
import type { RejectRow } from '../../core/engine/rejects.js';
import type { SqlValue } from '../../core/spi/index.js';
import { flag, text, type Command, type CommandContext } from '../command.js';
import { EMBULK_OPTION, EmbulkForm } from '../embulk-form.js';
import { displayWidth, formatCount, formatCountOf, formatTable, printable } from '../format.js';
import { jsonRow, writeResult } from '../result-writer.js';
import { withSession, type Session } from '../session.js';
import { countOption, usageError } from '../subcommand.js';

export const command: Command = {
  name: 'preview',
  usage: 'CONFIG',
  summary: 'Show the first typed rows of a config and the rows that would be rejected.',
  details: 'Reads the beginning of the first file; writes nothing, needs no `out:`, and ignores the stored state.',
  options: {
    vertical: { short: 'G', help: 'one line per value' },
    rows: { value: 'N', help: 'how many rows (default: preview_sample_rows of the config, 15)' },
    embulk: EMBULK_OPTION,
    pipeline: { value: 'NAME', help: 'only this pipeline of a config with several' },
  },
  examples: ['sluice preview pipelines/orders.yml', 'sluice preview pipelines/orders.yml -G --rows 3'],
  arity: [1, 1],
  run(context) {
    const [file = ''] = context.args;
    return withSession(context, file, async (session) => {
      const { loadDrafts } = await import('../../core/config/index.js');
      const { environment } = context;
      const drafts = await loadDrafts(resolve(environment.cwd, file), {
        registry: session.registry,
        project: session.project,
        env: environment.env,
        cwd: environment.cwd,
        rewrite: new EmbulkForm(context, { root: session.project.root }).rewrite,
      });
      for (const draft of choose(context, drafts)) await previewOne(context, session, draft, drafts.length > 1);
      return 0;
    });
  },
};

function choose(context: CommandContext, drafts: readonly PipelineDraft[]): readonly PipelineDraft[] {
  const name = text(context.options, 'pipeline');
  if (name === undefined) return drafts;
  const chosen = drafts.filter((draft) => draft.name === name);
  if (chosen.length === 0)
    throw usageError(
      'preview',
      `--pipeline: expected one of ${drafts.map((d) => d.name).join(', ')}, found ${name}`,
      'leave it out to see all of them',
    );
  return chosen;
}

async function previewOne(context: CommandContext, session: Session, draft: PipelineDraft, withTitle: boolean): Promise<void> {
  const { previewPipeline } = await import('../../core/engine/preview.js');
  const rows = countOption('preview', 'rows', text(context.options, 'rows')) ?? draft.previewSampleRows;
  const { environment, out, signal } = context;
  const preview = await previewPipeline(
    await session.source(draft),
    { rows, sampleBytes: draft.exec.previewSampleBufferBytes },
    {
      clock: environment.clock,
      log: out.logger,
      signal,
      random: environment.random,
      reach: (point) => environment.reach(point),
      onEvent: () => {},
      resource: (name) => session.resource(name),
    },
  );
  if (out.json) await out.printLine(previewJson(draft.name, preview));
  else await printPreview(context, draft.name, preview, withTitle);
}

async function printPreview(context: CommandContext, name: string, preview: Preview, withTitle: boolean): Promise<void> {
  const { out } = context;
  if (withTitle) await out.printLine(`${name}:`);
  for (const note of preview.notes) out.say(`note: ${note}`);
  if (preview.rows.length === 0) out.say(preview.counts.read === 0 ? 'there is nothing to read' : 'no row of the sample gets through');
  else {
    const columns = preview.schema.map((column) => ({ name: `${column.name}:${column.type}`, type: column.type.toUpperCase() }));
    await writeResult(
      { columns, chunks: () => columnsOf(preview.rows, columns.length) },
      flag(context.options, 'vertical') ? 'vertical' : 'table',
      (chunk) => out.print(chunk),
    );
  }
  const { read, filtered, rejected } = preview.counts;
  out.say(
    `${formatCountOf(read, 'record')} in the sample: ${formatCount(read - filtered - rejected)} good, ${formatCount(filtered)} filtered, ${formatCount(rejected)} rejected`,
  );
  if (preview.rejects.length > 0) await out.print(`\nwould be rejected:\n${formatRejects(preview.rejects, flag(context.options, 'vertical'))}\n`);
}

async function* columnsOf(rows: Preview['rows'], width: number): AsyncGenerator<SqlValue[][]> {
  yield Array.from({ length: width }, (_, i) => rows.map((row) => row[i] ?? null));
}

/** Rejected records with their places. */
export function formatRejects(rejects: readonly RejectRow[], vertical: boolean): string {
  if (vertical) {
    return rejects
      .map((r, i) =>
        [
          `*** ${i + 1} ***`,
          `   place: ${placeOf(r)}`,
          `  column: ${r.column_name ?? ''}`,
          `  reason: ${printable(r.reason)}`,
          `     raw: ${r.raw === null ? '' : printable(r.raw)}`,
        ].join('\n'),
      )
      .join('\n');
  }
  return formatTable(
    ['place', 'column', 'reason', 'raw'],
    rejects.map((r) => [placeOf(r), r.column_name ?? '', printable(r.reason), r.raw === null ? '' : shorten(printable(r.raw))]),
  );
}

function placeOf(reject: RejectRow): string {
  return `${printable(reject.source)}${reject.record_number === null ? '' : `, record ${formatCount(reject.record_number)}`}`;
}

const LONGEST_RAW = 80;

function shorten(value: string): string {
  return displayWidth(value) <= LONGEST_RAW ? value : `${value.slice(0, LONGEST_RAW - 3)}...`;
}

/** Values keep all their digits, so the object is put together from texts. */
function previewJson(name: string, preview: Preview): string {
  const columns = preview.schema.map((column) => ({ name: column.name, type: column.type.toUpperCase() }));
  const head = JSON.stringify({
    event: 'preview',
    pipeline: name,
    schema: preview.schema,
    counts: preview.counts,
    notes: preview.notes,
    rejects: preview.rejects,
  });
  return `${head.slice(0, -1)},"rows":[${preview.rows.map((row) => jsonRow(columns, row)).join(',')}]}`;
}
