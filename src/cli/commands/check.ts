import { join, resolve } from 'node:path';
import { ConfigErrors, type PipelineConfig } from '../../core/config/index.js';
import type { CheckedPipeline } from '../../core/engine/check.js';
import type { Pipeline } from '../../core/engine/pipeline.js';
import { SluiceError, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import type { Command, CommandContext } from '../command.js';
import { EMBULK_OPTION, EmbulkForm } from '../embulk-form.js';
import { formatBytes, formatCount, formatCountOf, formatTable, printable } from '../format.js';
import { probeFolder } from '../probe-folder.js';
import { describeState } from '../report.js';
import { withSession, type Session } from '../session.js';

export const command: Command = {
  name: 'check',
  usage: 'CONFIG...',
  summary: 'Check configs, files, target and permissions without moving rows, and show the plan.',
  details: 'Every problem of every config is printed; with any, the exit code is 2.',
  options: { embulk: EMBULK_OPTION },
  examples: ['sluice check pipelines/orders.yml', 'sluice check pipelines/*.yml --json'],
  arity: [1, Infinity],
  async run(context) {
    const problems: unknown[] = [];
    for (const file of context.args) {
      await gather(problems, () => withSession(context, file, (session) => checkFile(context, session, file, problems)));
    }
    for (const problem of problems) context.out.fail(problem);
    if (context.out.json) await context.out.printJson({ event: 'checked', configs: context.args.length, problems: problems.length });
    else context.out.say(problems.length === 0 ? 'no problems' : formatCountOf(problems.length, 'problem'));
    return problems.length === 0 ? 0 : 2;
  },
};

/** Problems are for the user to mend, so one does not hide the others; a defect of ours ends the check. */
async function gather(problems: unknown[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ConfigErrors) problems.push(...error.details);
    else if (error instanceof SluiceError && error.exitCode !== 70 && error.exitCode !== 130) problems.push(error);
    else throw error;
  }
}

async function checkFile(context: CommandContext, session: Session, file: string, problems: unknown[]): Promise<void> {
  const { loadPipelines } = await import('../../core/config/index.js');
  const { environment } = context;
  await gather(problems, () => probeFolder(session.project.storage.folder, 'the storage'));
  let configs: readonly PipelineConfig[] = [];
  await gather(problems, async () => {
    configs = await loadPipelines(resolve(environment.cwd, file), {
      registry: session.registry,
      project: session.project,
      env: environment.env,
      cwd: environment.cwd,
      rewrite: new EmbulkForm(context, { root: session.project.root }).rewrite,
    });
  });
  for (const config of configs) {
    for (const note of config.exec.notes) context.out.say(`note: ${note}`);
    await gather(problems, async () => checkOne(context, session, config, problems));
  }
}

async function checkOne(context: CommandContext, session: Session, config: PipelineConfig, problems: unknown[]): Promise<void> {
  for (const pipeline of await session.pipelines(config)) await gather(problems, () => checkPlanned(context, session, pipeline, problems));
}

async function checkPlanned(context: CommandContext, session: Session, pipeline: Pipeline, problems: unknown[]): Promise<void> {
  const { checkPipeline } = await import('../../core/engine/check.js');
  const before = problems.length;
  await gather(problems, () => probeFolder(pipeline.exec.tempDir ?? join(pipeline.root, '.sluice', 'tmp'), 'exec.temp_dir'));
  if (problems.length > before) return;
  const services = await session.services(() => {});
  // SQLite takes its write lock here, which a file without write permission refuses.
  await services.store.transaction(() => Promise.resolve());
  const checked = await checkPipeline(pipeline, services);
  if (context.out.json) await context.out.printJson({ event: 'check', pipeline: pipeline.name, ...planFacts(checked) });
  else await context.out.printLine(formatPlan(pipeline, checked));
}

function filesOf({ plan }: CheckedPipeline): readonly string[] {
  return plan.input.form === 'files' ? plan.input.tasks.flat().map((task) => task.file.name) : [];
}

function planFacts(checked: CheckedPipeline): JsonObject {
  const { plan, schema, state } = checked;
  return {
    target: plan.output.name,
    tasks: plan.input.form === 'files' ? plan.input.tasks.length : plan.input.plan.tasks.length,
    files: filesOf(checked) as JsonValue,
    bytes: plan.bytes,
    columns: schema.map(({ name, type }) => ({ name, type })),
    schema_changes: plan.output.schemaChanges as JsonValue,
    notes: plan.notes as JsonValue,
    state,
  };
}

const SHOWN_FILES = 10;

function formatPlan(pipeline: Pipeline, checked: CheckedPipeline): string {
  const { plan, source, schema, state } = checked;
  const files = filesOf(checked);
  const fact = (name: string, value: string): string => `  ${name.padEnd(8)} ${value}`;
  const size = plan.bytes === null ? '' : `, ${formatBytes(plan.bytes)}`;
  const what =
    plan.input.form === 'files'
      ? `${pipeline.input.plugin.type}: ${formatCountOf(files.length, 'file')} to read${size}`
      : `${pipeline.input.plugin.type}: ${formatCountOf(plan.input.plan.tasks.length, 'task')}${size}`;
  return [
    `${pipeline.name} → ${plan.output.name}`,
    fact('input', what),
    ...files.slice(0, SHOWN_FILES).map((name) => fact('', printable(name))),
    ...(files.length > SHOWN_FILES ? [fact('', `and ${formatCount(files.length - SHOWN_FILES)} more`)] : []),
    ...(pipeline.filters.length === 0
      ? []
      : [fact('filters', pipeline.filters.map((f) => f.plugin.type).join(' → ')), fact('', `${source.length} columns in, ${schema.length} out`)]),
    fact('output', `${pipeline.output.plugin.type}: ${plan.output.ignoresState ? 'replaces' : 'adds to'} ${plan.output.name}`),
    ...plan.output.schemaChanges.map((change) => fact('schema', change)),
    fact('state', describeState(state)),
    ...plan.notes.map((note) => fact('note', note)),
    ...formatTable(
      ['column', 'type'],
      schema.map(({ name, type }) => [name, type]),
    )
      .split('\n')
      .map((line) => fact('', line)),
    '',
  ].join('\n');
}
