import type { JsonObject, ParserFile, ParserPlugin, SluiceError, TaskContext } from '../../../src/core/spi/index.js';
import { prepareConfig } from '../../../src/conformance/declaration.js';
import { errorOf } from '../../../src/conformance/checks.js';
import { bytesOf, fileOf, inLab } from '../../../src/conformance/lab.js';
import { expectBalanced, readSource, type ReadResult } from '../../../src/conformance/read-source.js';

/** Reads texts as files named f1, f2, … in one task, in pieces of `step` bytes, and checks that the accounts balance. */
export function readTexts<C>(
  plugin: ParserPlugin<C>,
  given: JsonObject,
  contents: readonly (string | Uint8Array)[],
  options: { readonly step?: number; readonly context?: Partial<TaskContext>; readonly file?: Partial<ParserFile> } = {},
): Promise<ReadResult> {
  const parser = plugin as unknown as ParserPlugin;
  return inLab(async (lab) => {
    const config = await prepareConfig(parser, given);
    const ctx = { ...lab.context(), ...options.context };
    const files = contents.map((content, i) => ({ ...fileOf(`f${i + 1}`, bytesOf(content), { step: options.step ?? 5 }), ...options.file }));
    const plan = await parser.plan(config, files, { ...ctx, place: lab.place, memory: undefined });
    const result = await readSource({ form: 'relation', reading: await parser.open(files, plan, config, ctx) }, ctx);
    expectBalanced(result);
    const left = await lab.leftOvers();
    if (left.length > 0) throw new Error(`left in the temp folder: ${left.join(', ')}`);
    return result;
  });
}

/** The error of a config that a plan refuses. */
export function planError<C>(plugin: ParserPlugin<C>, config: JsonObject): Promise<SluiceError> {
  const parser = plugin as unknown as ParserPlugin;
  return inLab((lab) => errorOf(() => parser.plan(config, [], { ...lab.context(), place: lab.place, memory: undefined })));
}

/** `file:record@offset reason` of each reject. */
export function rejectsOf(result: ReadResult): readonly string[] {
  return result.rejects.map(
    (r) => `${r.source}:${r.recordNumber}@${r.byteOffset ?? '-'}${r.columnName === null ? '' : ` ${r.columnName}`}: ${r.reason}`,
  );
}
