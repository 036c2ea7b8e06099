import { resolve } from 'node:path';
import { fileSystemError, type JsonObject, type JsonValue, type StateRecord } from '../../core/spi/index.js';
import { sizeOf } from '../../warehouse/index.js';
import type { Metastore } from '../../metastore/types.js';
import { text, type Command, type CommandContext } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { formatCountOf, formatTable, formatTime } from '../format.js';
import { describeState } from '../report.js';
import { describeHolder, withSession, type Session } from '../session.js';
import { findState, withoutRuns } from '../state-keys.js';
import { usageError } from '../subcommand.js';

export const command: Command = {
  name: 'state',
  usage: 'show [PIPELINE] | set PIPELINE FILE | reset PIPELINE | move OLD NEW',
  summary: 'Show, set, reset or move what pipelines know to be loaded.',
  details:
    'A state belongs to a pipeline and a target. `set` reads YAML or JSON from a file, or from stdin with `-`. `reset` makes the next run read everything again. ' +
    '`move` gives all states and runs of a renamed pipeline to its new name.',
  options: {
    target: { of: ['show', 'set', 'reset'], value: 'TABLE', help: 'the target, where a pipeline has states for several' },
    yes: { of: ['reset'], ...YES_OPTION },
  },
  examples: [
    'sluice state show pipelines/orders',
    'sluice state reset pipelines/orders --yes',
    'sluice state move pipelines/orders pipelines/shop_orders',
  ],
  subcommands: ['show', 'set', 'reset', 'move'],
  arity: [1, 3],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [verb = '', ...args] = context.args;
      const store = await session.metastore();
      switch (verb) {
        case 'show':
          return showStates(context, store, needArguments(verb, args, 0, 1)[0]);
        case 'set':
          return setState(context, store, needArguments(verb, args, 2, 2) as [string, string]);
        case 'reset':
          return resetState(context, session, needArguments(verb, args, 1, 1)[0] as string);
        default:
          return moveState(context, store, needArguments(verb, args, 2, 2) as [string, string]);
      }
    }),
};

const USAGES: Readonly<Record<string, string>> = {
  show: 'sluice state show pipelines/orders',
  set: 'sluice state set pipelines/orders state.yml',
  reset: 'sluice state reset pipelines/orders',
  move: 'sluice state move pipelines/orders pipelines/shop_orders',
};

function needArguments(verb: string, args: readonly string[], least: number, most: number): readonly string[] {
  if (args.length >= least && args.length <= most) return args;
  throw usageError(
    `state ${verb}`,
    `expected ${least === most ? least : `${least} or ${most}`} arguments, found ${args.length}`,
    `e.g. ${USAGES[verb] ?? ''}`,
  );
}

async function showStates(context: CommandContext, store: Metastore, pipeline: string | undefined): Promise<number> {
  const target = text(context.options, 'target');
  if (pipeline !== undefined) {
    const state = await findState(store, pipeline, target);
    if (context.out.json) await context.out.printJson(stateFacts(state));
    else {
      const { stringify } = await import('yaml');
      context.out.say(
        `# ${state.key.pipeline} → ${state.targetName}, stored ${formatTime(state.updatedAt)} UTC${state.runId === null ? ' by hand' : ` by run ${state.runId}`}`,
      );
      await context.out.print(stringify(state.state));
    }
    return 0;
  }
  const states = await store.listStates({});
  if (context.out.json) for (const state of states) await context.out.printJson(stateFacts(state));
  else if (states.length === 0) context.out.say('no states');
  else {
    const rows = states.map((s) => [s.key.pipeline, s.targetName, describeState(s.state), s.runId ?? '(by hand)', formatTime(s.updatedAt)]);
    await context.out.printLine(formatTable(['pipeline', 'target', 'state', 'run', 'stored (UTC)'], rows));
  }
  return 0;
}

function stateFacts(state: StateRecord): JsonObject {
  return {
    pipeline: state.key.pipeline,
    ...(state.key.stream === '' ? {} : { stream: state.key.stream }),
    target: state.targetName,
    target_id: state.key.target,
    state: state.state,
    run_id: state.runId,
    updated_at: new Date(state.updatedAt).toISOString(),
  };
}

async function setState(context: CommandContext, store: Metastore, [pipeline, file]: readonly [string, string]): Promise<number> {
  const old = await findState(store, pipeline, text(context.options, 'target'));
  const value = await readState(context, file);
  await withoutRuns(store, describeHolder(), [old], () => store.setState(old.key, old.targetName, value));
  if (context.out.json)
    await context.out.printJson({ event: 'state', action: 'set', pipeline, target: old.targetName, state_before: old.state, state_after: value });
  else context.out.say(`${pipeline} → ${old.targetName}: state ${describeState(old.state)} → ${describeState(value)}`);
  return 0;
}

async function readState(context: CommandContext, file: string): Promise<JsonValue> {
  let content = '';
  if (file === '-') {
    context.environment.stdin.setEncoding('utf8');
    for await (const chunk of context.environment.stdin) content += String(chunk);
  } else {
    const { readFile } = await import('node:fs/promises');
    content = await readFile(resolve(context.environment.cwd, file), 'utf8').catch((error: unknown) => {
      throw fileSystemError(error, `reading ${file}`);
    });
  }
  const { parseDocument } = await import('../../core/config/index.js');
  if (content.trim() === '') throw usageError('state set', `${file} is empty`, 'sluice state reset removes a state');
  const { value } = await parseDocument(content, 'state.yml', { env: {} }, file);
  if (value === null || typeof value !== 'object')
    throw usageError(
      'state set',
      `${file}: expected a mapping, as \`sluice state show\` prints it`,
      'sluice state show PIPELINE > state.yml gives a file to start from',
    );
  return value;
}

async function resetState(context: CommandContext, session: Session, pipeline: string): Promise<number> {
  const store = await session.metastore();
  const old = await findState(store, pipeline, text(context.options, 'target'));
  const warning = await appendWarning(session, old);
  if (warning !== undefined) context.out.say(`warning: ${warning}`);
  await confirm(context, `sluice state reset ${pipeline}`, `Forget that ${describeState(old.state)} of ${pipeline} went into ${old.targetName}?`);
  await withoutRuns(store, describeHolder(), [old], () => store.setState(old.key, old.targetName, undefined));
  if (context.out.json)
    await context.out.printJson({
      event: 'state',
      action: 'reset',
      pipeline,
      target: old.targetName,
      state_before: old.state,
      ...(warning === undefined ? {} : { warning }),
    });
  else context.out.say(`${pipeline} → ${old.targetName}: the next run reads everything`);
  return 0;
}

/** After a reset, an appending pipeline loads what its table already holds a second time. */
async function appendWarning(session: Session, state: StateRecord): Promise<string | undefined> {
  const store = await session.metastore();
  const run = state.runId === null ? undefined : await store.getRun(state.runId);
  const plan = run?.plan['plan'] as { readonly output?: { readonly ignoresState?: boolean } } | undefined;
  if (plan?.output?.ignoresState === true) return undefined;
  const table = await (await session.warehouse()).catalog.findTable(state.targetName);
  const rows = table && (await sizeOf((await session.warehouse()).reader, table.metadata)).rows;
  if (rows === undefined || rows === 0) return undefined;
  return `${state.targetName} holds ${formatCountOf(rows, 'row')}, and the next run appends everything once more; to load it anew instead: sluice run CONFIG --full-refresh`;
}

async function moveState(context: CommandContext, store: Metastore, [from, to]: readonly [string, string]): Promise<number> {
  const before = await store.listStates({ pipeline: from });
  if (before.length === 0) await findState(store, from, undefined);
  const moved = await store.movePipeline(from, to);
  if (context.out.json) await context.out.printJson({ event: 'state', action: 'move', from, to, states: moved });
  else context.out.say(`${formatCountOf(moved, 'state')} of ${from} now ${moved === 1 ? 'belongs' : 'belong'} to ${to}`);
  return 0;
}
