import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type CommitContext,
  type EncoderPlugin,
  type FormatterPlugin,
  type JsonObject,
  type JsonValue,
  type OutputPlan,
  type OutputPlanContext,
  type OutputPlugin,
  type PluginContext,
  type PluginDeclaration,
  type Schema,
  type StagedRelation,
  type StageReport,
} from '../core/spi/index.js';
import { ConfiguredFormat } from '../core/config/file-format.js';
import type { Configured } from '../core/config/section.js';
import { conversionSql } from '../core/engine/typing/index.js';
import { errorOf, expect, expectEqual, runChecks, within, type Check } from './checks.js';
import { declarationChecks, prepareConfig, secretsOf } from './declaration.js';
import { inLab, type Lab } from './lab.js';
import { awkwardRows, EVERY_TYPE, WIDE } from './values.js';

export interface OutputCase {
  readonly title: string;
  readonly config: JsonObject;
  /** Columns the config needs beside those of the suite. */
  readonly columns?: Schema;
  /** Makes what the config writes to; answers what the plugin asks `ctx.resource` for, and how to end it. */
  prepare?(root: string): Promise<{ resource?: PluginContext['resource']; close?(): Promise<void> }>;
  /** For outputs with `takesFormat`. */
  readonly format?: FormatCase;
  /** The target needs nothing but the config: the run is committed, too, and committed again. */
  readonly commits?: boolean;
  /** Planning must fail with this code. */
  readonly error?: string;
}

/** Formatter and encoders of an output, with configs that get their defaults. */
export interface FormatCase {
  readonly formatter: { readonly plugin: FormatterPlugin; readonly config: JsonObject };
  readonly encoders?: readonly { readonly plugin: EncoderPlugin; readonly config: JsonObject }[];
}

/**
 * Holds an output against its contract up to the commit, which needs the target itself: what is staged, its report, and
 * that it can be removed. Answers the names of the checks; throws ConformanceError.
 */
export function checkOutput<C>(plugin: OutputPlugin<C>, cases: readonly OutputCase[]): Promise<readonly string[]> {
  const output = plugin as unknown as OutputPlugin;
  return runChecks(`output ${plugin.type}`, [
    ...declarationChecks(
      plugin,
      cases.map((c) => c.config),
    ),
    ...cases.flatMap((c) => caseChecks(output, c)),
  ]);
}

async function configOf(output: OutputPlugin, c: OutputCase): Promise<JsonObject> {
  const config = await prepareConfig(output, c.config);
  if (c.format === undefined) return config;
  const { formatter, encoders = [] } = c.format;
  const place = { at: (path: string) => ({ path }) };
  const configured = async <P extends PluginDeclaration>(plugin: P, given: JsonObject): Promise<Configured<P>> => ({
    plugin,
    config: await prepareConfig(plugin, given),
    place,
    given,
  });
  const format = new ConfiguredFormat(
    await configured(formatter.plugin, formatter.config),
    await Promise.all(encoders.map((encoder) => configured(encoder.plugin, encoder.config))),
  );
  return { ...config, format: format as unknown as JsonValue };
}

interface Bench {
  readonly lab: Lab;
  readonly config: JsonObject;
  readonly ctx: OutputPlanContext & ReturnType<Lab['context']>;
}

function caseChecks(output: OutputPlugin, c: OutputCase): readonly Check[] {
  const named = (name: string, work: (bench: Bench) => Promise<void>): Check => ({
    name: `${c.title}: ${name}`,
    run: () =>
      inLab(async (lab) => {
        const made = await c.prepare?.(lab.root);
        try {
          const ctx = lab.context(made?.resource === undefined ? {} : { resource: made.resource });
          const bench = { lab, config: await configOf(output, c), ctx: { ...ctx, place: lab.place, fullRefresh: false, startedAt: 0 } };
          await work(bench);
        } finally {
          await made?.close?.();
        }
      }),
  });
  const wide = Array.from({ length: WIDE }, (_, i): Column => ({ name: `c${i}`, type: 'long' }));
  if (c.error !== undefined) {
    return [
      named(`planning fails with ${c.error}`, async ({ config, ctx }) => {
        const error = await errorOf(() => output.plan(config, everyColumn(c), ctx), secretsOf(output, c.config));
        expectEqual(error.code, c.error, 'code');
      }),
    ];
  }
  return [
    named('identity and plan are JSON and the same each time', async ({ config, ctx }) => {
      expectEqual(await output.identify(config, ctx), await output.identify(config, ctx), 'the second identity');
      const first = await output.plan(config, everyColumn(c), ctx);
      expectEqual(JSON.parse(JSON.stringify(first)), first, 'the plan after a round trip through JSON');
      for (const secret of secretsOf(output, c.config)) expect(!JSON.stringify(first).includes(secret), 'the plan holds a secret');
    }),
    named('stages values of every type and counts what it must not write', (bench) =>
      stageRows(output, c, bench, everyColumn(c), awkwardRows().texts),
    ),
    named('stages no rows', (bench) => stageRows(output, c, bench, everyColumn(c), [])),
    named(`stages ${WIDE} columns`, (bench) => stageRows(output, c, bench, [...(c.columns ?? []), ...wide], [wide.map((_, i) => String(i))])),
    ...(c.commits === true ? [named('commits, and does nothing when it is asked again', (bench) => commitTwice(output, c, bench))] : []),
    named('stops when it is aborted', async (bench) => {
      const signal = AbortSignal.abort();
      const plan = await output.plan(bench.config, everyColumn(c), bench.ctx);
      const work = output.stage(plan, relationOf(c, everyColumn(c), awkwardRows().texts), { ...bench.ctx, signal }, bench.config);
      await within(5000, 'staging', Promise.allSettled([work]));
    }),
  ];
}

function everyColumn(c: OutputCase): Schema {
  return [...(c.columns ?? []), ...EVERY_TYPE.map(({ name, type }): Column => ({ name, type }))];
}

/** The texts as typed rows, each twice: once to be written and once with status 1. Columns of the case are NULL. */
function relationOf(c: OutputCase, schema: Schema, texts: readonly (readonly (string | null)[])[]): StagedRelation {
  const own = c.columns?.length ?? 0;
  const rows = texts.flatMap((row) =>
    [0, 1].map((status) => {
      const values = schema.map(({ name, type }, i) => {
        const text = i < own ? null : (row[i - own] ?? null);
        const value = text === null ? 'NULL' : conversionSql(`${quoteLiteral(text)}::VARCHAR`, { type });
        return `CAST(${value} AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`;
      });
      return `SELECT ${values.join(', ')}, ${status}::INTEGER AS __status`;
    }),
  );
  const none = `SELECT ${schema.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${quoteIdentifier(name)}`).join(', ')}, 0::INTEGER AS __status LIMIT 0`;
  return { select: rows.length === 0 ? none : rows.join(' UNION ALL '), schema, statusColumn: '__status' };
}

async function stageRows(
  output: OutputPlugin,
  c: OutputCase,
  { config, ctx }: Bench,
  schema: Schema,
  texts: readonly (readonly (string | null)[])[],
): Promise<void> {
  const plan: OutputPlan = await output.plan(config, schema, ctx);
  const report = await output.stage(plan, relationOf(c, schema, texts), ctx, config);
  expectEqual(report.rows, texts.length, 'rows written');
  expectEqual(report.statuses, texts.length === 0 ? {} : { '1': texts.length }, 'rows of other statuses');
  expectEqual(JSON.parse(JSON.stringify(report)), report, 'the report after a round trip through JSON');
  expect(report.files === 0 || ctx.recorded.length > 0, 'every path must be recorded (ctx.record) before it is written');
  await output.remove(ctx.recorded, ctx, config);
  await output.remove(ctx.recorded, ctx, config);
  for (const uri of ctx.recorded.filter((path) => path.startsWith('file:'))) {
    const found = await stat(fileURLToPath(uri)).catch(() => undefined);
    expect(found === undefined || !found.isFile(), `remove left ${uri}`);
  }
}

async function commitTwice(output: OutputPlugin, c: OutputCase, { config, ctx }: Bench): Promise<void> {
  const schema = everyColumn(c);
  const plan = await output.plan(config, schema, ctx);
  const { texts } = awkwardRows();
  const report = JSON.parse(JSON.stringify(await output.stage(plan, relationOf(c, schema, texts), ctx, config))) as StageReport;
  const facts: JsonObject[] = [];
  const commit: CommitContext = {
    ...ctx,
    key: { project: 'conformance', pipeline: 'a pipeline/of two words', stream: '', target: plan.target },
    fence: 1,
    state: undefined,
    tableChecks: { checks: [], judge: () => undefined },
    complete: () => Promise.reject(new Error('this output commits alone: completeAlone')),
    completeAlone: (committed) => Promise.resolve(void facts.push(committed)),
  };
  for (let call = 1; call <= 2; call++) {
    const { after } = await output.commit(plan, [report], [], commit, config);
    expectEqual(facts.length, call, 'calls of completeAlone');
    await after?.();
  }
  expectEqual(facts[1], facts[0], 'the facts of the second commit');
}
