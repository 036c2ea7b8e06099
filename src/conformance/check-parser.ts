import { basename } from 'node:path';
import type { JsonObject, ParserFile, ParserPlugin, SourceColumn } from '../core/spi/index.js';
import { errorOf, expect, expectEqual, runChecks, within, type Check } from './checks.js';
import { declarationChecks, prepareConfig, secretsOf } from './declaration.js';
import { bytesOf, fileOf, inLab, sha256, type Lab, type LabOptions } from './lab.js';
import { expectBalanced, readSource, type ReadResult } from './read-source.js';
import { awkwardRows, EVERY_TYPE, WIDE } from './values.js';

/** A config, files, and what they hold. */
export interface ParserCase {
  readonly title: string;
  readonly config: JsonObject;
  /** Contents by file name. */
  readonly files: { readonly [name: string]: string | Uint8Array };
  /** Typed rows in order, each value as DuckDB's text, NULL as null. */
  readonly rows?: readonly (readonly (string | null)[])[];
  /** Rejected records as `<file>:<record number>`. */
  readonly rejected?: readonly string[];
  /** The files are damaged: reading them must fail with this code. */
  readonly error?: string;
}

export interface ParserOptions {
  /** A file of these texts (null = NULL) with a config that reads it; lets the suite try its own values. Undefined for what the format cannot hold. */
  encode?(
    columns: readonly SourceColumn[],
    rows: readonly (readonly (string | null)[])[],
  ): { config: JsonObject; content: string | Uint8Array } | undefined;
}

/** Milliseconds within which a plugin must have stopped after its signal was aborted. */
const ABORT_LIMIT = 5000;
/** Pieces that may be asked for after that. */
const MAX_PULLS = 20_000;

/** Holds a parser against its contract. Answers the names of the checks; throws ConformanceError. */
export function checkParser<C>(plugin: ParserPlugin<C>, cases: readonly ParserCase[], options: ParserOptions = {}): Promise<readonly string[]> {
  const parser = plugin as ParserPlugin;
  return runChecks(`parser ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(parser, c)),
    ...valueChecks(parser, options),
  ]);
}

function caseChecks(parser: ParserPlugin, c: ParserCase): readonly Check[] {
  const named = (name: string, run: () => Promise<void>): Check => ({ name: `${c.title}: ${name}`, run });
  if (c.error !== undefined) {
    return [
      named(`fails with ${c.error}, and leaves no temporary file`, () =>
        inLab(async (lab) => {
          const error = await errorOf(() => readFiles(parser, c.config, filesOf(c), lab), secretsOf(parser, c.config));
          expectEqual(error.code, c.error, 'code');
          expectEqual(await lab.leftOvers(), [], 'temporary files');
        }),
      ),
    ];
  }
  return [
    named('the plan is JSON and the same each time', () => inLab((lab) => checkPlan(parser, c, lab))),
    named('rows, rejects and places are right, and close frees everything', () => inLab((lab) => checkRows(parser, c, lab, onDisk))),
    ...(parser.needsWholeFile === true
      ? []
      : [named('bytes in small pieces of one buffer give the same', () => inLab((lab) => checkRows(parser, c, lab, inPieces)))]),
    ...(parser.needsWholeFile === true ? [] : [named('a file without a byte has no record', () => inLab((lab) => checkEmpty(parser, c, lab)))]),
    named('stops when it is aborted, and leaves no temporary file', () => inLab((lab) => checkAbort(parser, c, lab))),
    ...(parser.needsWholeFile === true
      ? []
      : [named('an error of the source is handed on', () => inLab((lab) => checkBrokenSource(parser, c, lab)))]),
  ];
}

type Make = (c: ParserCase, lab: Lab) => Promise<readonly ParserFile[]>;

const onDisk: Make = (c, lab) =>
  Promise.all(Object.entries(c.files).map(async ([name, content]) => fileOf(name, bytesOf(content), { path: await lab.write(name, content) })));
const inPieces: Make = (c) => Promise.resolve(Object.entries(c.files).map(([name, content]) => fileOf(name, bytesOf(content), { step: 7 })));

function filesOf(c: ParserCase): readonly ParserFile[] {
  return Object.entries(c.files).map(([name, content]) => fileOf(name, bytesOf(content)));
}

async function readFiles(parser: ParserPlugin, given: JsonObject, files: readonly ParserFile[], lab: Lab, options?: LabOptions): Promise<ReadResult> {
  const config = await prepareConfig(parser, given);
  const ctx = lab.context(options);
  const plan = await parser.plan(config, files, { ...ctx, place: lab.place, memory: undefined });
  return readSource({ form: 'relation', reading: await parser.open(files, plan, config, ctx) }, ctx);
}

async function checkPlan(parser: ParserPlugin, c: ParserCase, lab: Lab): Promise<void> {
  const config = await prepareConfig(parser, c.config);
  const files = await onDisk(c, lab);
  const plan = (): Promise<unknown> => parser.plan(config, files, { ...lab.context(), place: lab.place, memory: undefined });
  const first = await plan();
  expectEqual(JSON.parse(JSON.stringify(first)), first, 'the plan after a round trip through JSON');
  expectEqual(await plan(), first, 'the second plan');
  await parser.plan(config, parser.needsWholeFile === true ? files : [], { ...lab.context(), place: lab.place, memory: undefined });
}

async function checkRows(parser: ParserPlugin, c: ParserCase, lab: Lab, make: Make): Promise<void> {
  const files = await make(c, lab);
  const perTask = parser.filesPerTask ?? 1;
  for (let at = 0; at < files.length || at === 0; at += perTask) {
    const group = files.slice(at, at + perTask);
    const result = await readFiles(parser, c.config, group, lab);
    expectBalanced(result);
    const whole = group.length === files.length;
    if (c.rows && whole) expectEqual(result.rows, c.rows, 'rows');
    const rejected = result.rejects.map((reject) => `${reject.source}:${reject.recordNumber}`);
    if (c.rejected && whole) expectEqual(rejected, c.rejected, 'rejected records');
    expectEqual(
      result.verdict.files.map(({ source, hash, bytes }) => ({ source, hash, bytes })),
      group.map((file) => ({ source: file.name, hash: sha256(contentOf(c, file.name)), bytes: file.size })),
      'hash and size of each file',
    );
  }
  expectEqual(await lab.leftOvers(), [], 'temporary files after close');
}

function contentOf(c: ParserCase, name: string): Uint8Array {
  return bytesOf(c.files[name] ?? c.files[basename(name)] ?? '');
}

async function checkEmpty(parser: ParserPlugin, c: ParserCase, lab: Lab): Promise<void> {
  const path = await lab.write('empty', '');
  const result = await readFiles(parser, c.config, [fileOf('empty', new Uint8Array(0), { path })], lab);
  expectEqual([result.rows.length, result.verdict.read, result.verdict.rejected], [0, 0, 0], 'rows, read, rejected');
}

async function checkAbort(parser: ParserPlugin, c: ParserCase, lab: Lab): Promise<void> {
  const stop = new AbortController();
  const pulls = { after: 0 };
  const whole = parser.needsWholeFile === true;
  const endless = filesOf(c).map((file) => ({
    ...file,
    open: () => endlessBytes(file, stop, pulls),
    openRaw: () => endlessBytes(file, stop, pulls),
  }));
  const files = whole ? await onDisk(c, lab) : endless;
  if (whole) stop.abort();
  const work = readFiles(parser, c.config, files, lab, { signal: stop.signal });
  await within(ABORT_LIMIT, 'reading', Promise.allSettled([work]));
  expect(pulls.after < MAX_PULLS, 'reading went on after the signal was aborted: call ctx.signal.throwIfAborted()');
  expectEqual(await lab.leftOvers(), [], 'temporary files');
}

/** The same bytes again and again; the signal comes when they were read once. */
async function* endlessBytes(file: ParserFile, stop: AbortController, pulls: { after: number }): AsyncGenerator<Uint8Array> {
  yield* file.open();
  if (file.size === 0) return stop.abort();
  // What looks at the first bytes of a file reads it more than once.
  while (pulls.after < MAX_PULLS) {
    stop.abort();
    pulls.after++;
    yield* file.open();
  }
}

async function checkBrokenSource(parser: ParserPlugin, c: ParserCase, lab: Lab): Promise<void> {
  const failure = new Error('the source broke');
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    yield new Uint8Array(0);
    throw failure;
  };
  const files = [{ ...fileOf('broken', new Uint8Array(10)), open: broken, openRaw: broken }];
  const found = await readFiles(parser, c.config, files, lab).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(found !== undefined, 'expected the error of the source, but reading succeeded');
  expectEqual(await lab.leftOvers(), [], 'temporary files');
}

function valueChecks(parser: ParserPlugin, { encode }: ParserOptions): readonly Check[] {
  if (!encode) return [];
  return [
    {
      name: 'NULL in every type, 2^53+1, unicode and the edges of time zones arrive unchanged',
      run: () =>
        inLab(async (lab) => {
          const { texts, shown } = awkwardRows();
          const encoded = encode(EVERY_TYPE, texts);
          expect(encoded !== undefined, 'encode gave nothing');
          const path = await lab.write('values', encoded.content);
          const result = await readFiles(parser, encoded.config, [fileOf('values', bytesOf(encoded.content), { path })], lab);
          expectEqual(result.rows, shown, 'rows');
        }),
    },
    {
      name: `${WIDE} columns`,
      run: () =>
        inLab(async (lab) => {
          const columns = Array.from({ length: WIDE }, (_, i): SourceColumn => ({ name: `c${i}`, type: 'long', text: {} }));
          const row = columns.map((_, i) => String(i));
          const encoded = encode(columns, [row, row]);
          if (encoded === undefined) return;
          const path = await lab.write('wide', encoded.content);
          const result = await readFiles(parser, encoded.config, [fileOf('wide', bytesOf(encoded.content), { path })], lab);
          expectEqual(result.rows, [row, row], 'rows');
        }),
    },
  ];
}
