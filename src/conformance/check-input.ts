import { rm } from 'node:fs/promises';
import type { FileInputPlugin, InputPlan, InputPlugin, JsonObject, JsonValue, PluginContext, SourceFile } from '../core/spi/index.js';
import { errorOf, expect, expectEqual, runChecks, within, type Check } from './checks.js';
import { declarationChecks, prepareConfig, secretsOf } from './declaration.js';
import { inLab, type Lab, type LabOptions } from './lab.js';
import { expectBalanced, readSource } from './read-source.js';

export interface InputCase {
  readonly title: string;
  readonly config: JsonObject;
  /** Makes what the config reads, for example files below `root`; runs before each check. */
  prepare?(root: string): Promise<void>;
  readonly resource?: PluginContext['resource'];
  /** `form: 'tasks'`: typed rows of all tasks in order, each value as DuckDB's text, NULL as null. */
  readonly rows?: readonly (readonly (string | null)[])[];
  /** `form: 'tasks'`: the state after a run that read all; the next plan must find no row then. */
  readonly state?: JsonValue;
  /** `form: 'files'`: names of the files, in order. */
  readonly files?: readonly string[];
  /** Planning, listing or reading must fail with this code. */
  readonly error?: string;
}

const ABORT_LIMIT = 5000;

/** Holds an input of either form against its contract. Answers the names of the checks; throws ConformanceError. */
export function checkInput<C>(plugin: InputPlugin<C> | FileInputPlugin<C>, cases: readonly InputCase[]): Promise<readonly string[]> {
  const input = plugin as unknown as InputPlugin | FileInputPlugin;
  return runChecks(`input ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(input, c)),
  ]);
}

function caseChecks(input: InputPlugin | FileInputPlugin, c: InputCase): readonly Check[] {
  const named = (name: string, work: (lab: Lab, config: JsonObject) => Promise<void>): Check => ({
    name: `${c.title}: ${name}`,
    run: () =>
      inLab(async (lab) => {
        await c.prepare?.(lab.root);
        await work(lab, await prepareConfig(input, c.config));
      }),
  });
  if (c.error !== undefined) {
    return [
      named(`fails with ${c.error}`, async (lab, config) => {
        const error = await errorOf(
          () => (input.form === 'tasks' ? readTasks(input, c, config, lab) : listFiles(input, c, config, lab)),
          secretsOf(input, c.config),
        );
        expectEqual(error.code, c.error, 'code');
      }),
    ];
  }
  return input.form === 'tasks' ? taskChecks(input, c, named) : fileChecks(input, c, named);
}

type Named = (name: string, work: (lab: Lab, config: JsonObject) => Promise<void>) => Check;

function contextOf(c: InputCase, lab: Lab, options: LabOptions = {}): ReturnType<Lab['context']> {
  return lab.context({ ...options, ...(c.resource === undefined ? {} : { resource: c.resource }) });
}

function planInput(input: InputPlugin, c: InputCase, config: JsonObject, lab: Lab, state?: JsonValue): Promise<InputPlan> {
  return input.plan(config, { ...contextOf(c, lab), place: lab.place, state, useState: state !== undefined });
}

async function readTasks(input: InputPlugin, c: InputCase, config: JsonObject, lab: Lab, state?: JsonValue): Promise<(string | null)[][]> {
  const plan = await planInput(input, c, config, lab, state);
  const rows: (string | null)[][] = [];
  for (const task of plan.tasks) {
    const ctx = contextOf(c, lab);
    const result = await readSource(await input.open(task, plan, config, ctx), ctx);
    expectBalanced(result);
    rows.push(...result.rows);
  }
  return rows;
}

function taskChecks(input: InputPlugin, c: InputCase, named: Named): readonly Check[] {
  return [
    named('the plan is JSON and the same each time', async (lab, config) => {
      const first = await planInput(input, c, config, lab);
      expectEqual(JSON.parse(JSON.stringify(first)), first, 'the plan after a round trip through JSON');
      expectEqual(await planInput(input, c, config, lab), first, 'the second plan');
      const shown = JSON.stringify(first);
      for (const secret of secretsOf(input, c.config)) expect(!shown.includes(secret), 'the plan holds a secret');
    }),
    named('rows are right, a task gives the same again, and close frees everything', async (lab, config) => {
      const rows = await readTasks(input, c, config, lab);
      if (c.rows) expectEqual(rows, c.rows, 'rows');
      expectEqual(await readTasks(input, c, config, lab), rows, 'rows of a second reading');
      expectEqual(await lab.leftOvers(), [], 'temporary files after close');
    }),
    named('the state is JSON, and what was loaded is not read again', async (lab, config) => {
      const plan = await planInput(input, c, config, lab);
      const state = input.nextState?.(plan, undefined, config);
      if (state !== undefined) expectEqual(JSON.parse(JSON.stringify(state)), state, 'the state after a round trip through JSON');
      if (c.state === undefined) return;
      expectEqual(state, c.state, 'state after the run');
      expectEqual(await readTasks(input, c, config, lab, c.state), [], 'rows of the next run');
    }),
    named('stops when it is aborted, and leaves no temporary file', async (lab, config) => {
      const plan = await planInput(input, c, config, lab);
      const ctx = contextOf(c, lab, { signal: AbortSignal.abort() });
      const reading = plan.tasks.slice(0, 1).map(async (task) => readSource(await input.open(task, plan, config, ctx), ctx));
      await within(ABORT_LIMIT, 'reading', Promise.allSettled(reading));
      expectEqual(await lab.leftOvers(), [], 'temporary files');
    }),
  ];
}

async function listFiles(input: FileInputPlugin, c: InputCase, config: JsonObject, lab: Lab): Promise<readonly SourceFile[]> {
  const files = await input.list(config, { ...contextOf(c, lab), place: lab.place });
  for (const file of files) await readAll(input, file, config, c, lab);
  return files;
}

async function readAll(input: FileInputPlugin, file: SourceFile, config: JsonObject, c: InputCase, lab: Lab): Promise<number> {
  const opened = await input.open(file, config, contextOf(c, lab));
  if ('path' in opened) return file.size;
  let bytes = 0;
  for await (const chunk of opened.stream) bytes += chunk.length;
  return bytes;
}

function fileChecks(input: FileInputPlugin, c: InputCase, named: Named): readonly Check[] {
  return [
    named('lists the same files each time, in name order, as JSON', async (lab, config) => {
      const files = await listFiles(input, c, config, lab);
      const names = files.map((file) => file.name);
      expectEqual(names, [...names].sort(), 'order of the names');
      expectEqual(new Set(names).size, names.length, 'names differ');
      if (c.files) expectEqual(names, c.files, 'names');
      expectEqual(JSON.parse(JSON.stringify(files)), files, 'the list after a round trip through JSON');
      expectEqual(await listFiles(input, c, config, lab), files, 'the second list');
    }),
    named('a file has the size that was listed', async (lab, config) => {
      for (const file of await listFiles(input, c, config, lab))
        expectEqual(await readAll(input, file, config, c, lab), file.size, `bytes of ${file.name}`);
    }),
    named('stat gives a file as it was listed', async (lab, config) => {
      for (const file of await listFiles(input, c, config, lab))
        expectEqual(await input.stat(file, config, contextOf(c, lab)), file, `stat of ${file.name}`);
    }),
    named('stat says that a file has gone', async (lab, config) => {
      const [file] = await listFiles(input, c, config, lab);
      if (file === undefined || !c.prepare) return;
      await rm(lab.root, { recursive: true });
      expectEqual(await input.stat(file, config, contextOf(c, lab)), undefined, 'stat of a file that has gone');
    }),
  ];
}
