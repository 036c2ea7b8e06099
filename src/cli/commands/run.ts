import { dirname, resolve } from 'node:path';
import type { RunSummary } from '../../core/engine/events.js';
import type { RunOptions } from '../../core/engine/services.js';
import type { PipelineConfig } from '../../core/config/index.js';
import { ConfigError, fileSystemError, type JsonObject, type JsonValue } from '../../core/spi/index.js';
import { flag, text, type Command, type CommandContext } from '../command.js';
import { EMBULK_OPTION, EmbulkForm } from '../embulk-form.js';
import { ProgressPrinter } from '../progress.js';
import { formatReport } from '../report.js';
import { withSession, type Session } from '../session.js';
import { traced } from '../traced.js';

export const command: Command = {
  name: 'run',
  usage: 'CONFIG...',
  summary: 'Run the pipelines of config files: plan, load, one atomic commit, report.',
  details: 'A run that failed is continued by running it again; a run that committed finds nothing to do.',
  options: {
    'config-diff': { short: 'c', value: 'STATE.yml', help: 'read the state from this file where none is stored; write a copy after the commit' },
    resume: { help: 'continue the unfinished run or refuse, naming the first difference' },
    hold: { help: 'stop before the commit; `sluice commit` or `sluice discard` ends the run' },
    'full-refresh': { help: 'read everything and replace the target, whatever the state says' },
    'dry-run': { help: 'plan only: nothing is read or written' },
    embulk: EMBULK_OPTION,
    'max-rejects': { value: 'N|P%', help: 'override exec.max_rejects' },
  },
  examples: ['sluice run pipelines/orders.yml', 'sluice run orders.yml --max-rejects 1% --json'],
  arity: [1, Infinity],
  run: (context) => traced(context, 'run', runAndReport),
};

async function runAndReport(context: CommandContext): Promise<number> {
  const summaries: RunSummary[] = [];
  try {
    await runFiles(context, summaries);
  } catch (error) {
    // What had committed before the failure is reported all the same.
    if (summaries.length > 0 && !context.out.json) context.out.say(formatReport(summaries));
    throw error;
  }
  await printSummaries(context, summaries);
  return 0;
}

async function runFiles(context: CommandContext, summaries: RunSummary[]): Promise<void> {
  for (const file of context.args) {
    await withSession(context, file, async (session) => {
      const { loadPipelines } = await import('../../core/config/index.js');
      const form = new EmbulkForm(context, { root: session.project.root, incremental: text(context.options, 'config-diff') !== undefined });
      const configs = await loadPipelines(resolve(context.environment.cwd, file), {
        registry: session.registry,
        project: session.project,
        env: context.environment.env,
        cwd: context.environment.cwd,
        overrides: { exec: execOverrides(context) },
        rewrite: form.rewrite,
      });
      try {
        await runConfigs(context, session, configs, summaries);
      } catch (error) {
        throw form.explain(error);
      }
    });
  }
}

/** Runs pipelines one after the other, adding to `summaries`; the first failure ends them. */
export async function runConfigs(
  context: CommandContext,
  session: Session,
  configs: readonly PipelineConfig[],
  summaries: RunSummary[] = [],
): Promise<RunSummary[]> {
  const { runPipeline } = await import('../../core/engine/run.js');
  const progress = new ProgressPrinter(context.out, context.environment.clock);
  const stateFile = text(context.options, 'config-diff');
  try {
    const services = await session.services((event) => progress.show(event));
    for (const config of configs) {
      for (const note of config.exec.notes) context.out.say(`note: ${note}`);
      const initialState = stateFile === undefined ? undefined : await readStateFile(context, stateFile);
      const pipelines = await session.pipelines(config);
      if (stateFile !== undefined && pipelines.length > 1) throw stateOfStreams(config);
      for (const pipeline of pipelines) {
        const summary = await runPipeline(pipeline, runOptions(context, config, initialState), services);
        summaries.push(summary);
        if (stateFile !== undefined && summary.status === 'committed') await writeStateFile(context, stateFile, summary.state_after);
      }
    }
  } finally {
    progress.clear();
  }
  return summaries;
}

export async function printSummaries(context: CommandContext, summaries: readonly RunSummary[]): Promise<void> {
  if (context.out.json) await context.out.printJson({ event: 'summary', pipelines: summaries });
  else {
    context.out.say(formatReport(summaries));
    if (context.out.logJson) context.out.event({ event: 'summary', pipelines: summaries } as never);
  }
}

function stateOfStreams(config: PipelineConfig): ConfigError {
  return new ConfigError({
    code: 'STATE_FILE_STREAMS',
    message: `${config.name}: one state file cannot hold the states of several streams`,
    hint: 'leave -c out: each stream keeps its state with its table',
  });
}

function runOptions(context: CommandContext, config: PipelineConfig, initialState: JsonValue | undefined): RunOptions {
  const { options } = context;
  return {
    resume: flag(options, 'resume') ? 'required' : 'auto',
    hold: flag(options, 'hold'),
    fullRefresh: flag(options, 'full-refresh'),
    dryRun: flag(options, 'dry-run'),
    origin: { file: config.file, definition: config.definition, name: config.name, ...(flag(options, 'embulk') ? { embulk: true } : {}) },
    ...(initialState === undefined ? {} : { initialState }),
  };
}

export function execOverrides(context: CommandContext): JsonObject {
  const limit = text(context.options, 'max-rejects');
  return limit === undefined ? {} : { max_rejects: /^\d+$/.test(limit) ? Number(limit) : limit };
}

async function readStateFile(context: CommandContext, file: string): Promise<JsonValue | undefined> {
  const { readFile, stat } = await import('node:fs/promises');
  const path = resolve(context.environment.cwd, file);
  try {
    // Where its copy could not be written after the commit, nothing is loaded.
    await stat(dirname(path));
    const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return content.trim() === '' ? undefined : await parseState(content, file);
  } catch (error) {
    throw fileSystemError(error, `reading the state file ${file}`);
  }
}

async function parseState(content: string, file: string): Promise<JsonValue> {
  const { parse, YAMLParseError } = await import('yaml');
  try {
    return parse(content) as JsonValue;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [at] = error.linePos ?? [];
    throw new ConfigError({
      code: 'CONFIG_SYNTAX',
      message: `expected a state as YAML: ${(error.message.split(' at line ')[0] ?? '').trim()}`,
      where: { file, ...(at ? { line: at.line, column: at.col } : {}) },
      hint: 'remove the file to start without a state; `sluice state show PIPELINE` prints the stored one',
      cause: error,
    });
  }
}

/** Written under a temporary name and renamed, so that a crash leaves the old copy. */
async function writeStateFile(context: CommandContext, file: string, state: JsonValue): Promise<void> {
  const { writeFile, rename } = await import('node:fs/promises');
  const { stringify } = await import('yaml');
  const path = resolve(context.environment.cwd, file);
  try {
    await writeFile(`${path}.tmp`, stringify(state));
    await rename(`${path}.tmp`, path);
  } catch (error) {
    throw fileSystemError(error, `the run has committed and its state is stored, but the copy in ${file} could not be written`);
  }
}
