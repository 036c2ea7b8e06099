import type { GuessColumn, GuessNote, GuessPlugin, GuessSample, JsonObject, JsonValue, PluginContext, SqlConnection } from '../../spi/index.js';
import { guessColumnType } from './column-types.js';
import { chooseTimeColumn, spansManyDays, type TypedColumn } from './time-column.js';

export interface GuessRequest {
  /** The `in` section so far; its keys win over everything guessed. */
  readonly in: JsonObject;
  readonly plugins: readonly GuessPlugin[];
  /** Types of plugins to leave out (`exec.exclude_guess_plugins`). */
  readonly exclude?: readonly string[];
  /** The sample, decoded as the section's `decoders` say. */
  readSample(section: JsonObject): Promise<GuessSample>;
  readonly ctx: PluginContext & { readonly sql: SqlConnection };
}

export interface GuessedConfig {
  readonly in: JsonObject;
  readonly notes: readonly GuessNote[];
  readonly warnings: readonly string[];
  /** For `out.time_column`. */
  readonly timeColumn?: string;
  /** For `out.partition_by`, when days would make too many partitions. */
  readonly partitionBy?: readonly string[];
}

const MAX_ROUNDS = 10;

/** Asks all guess plugins in order, again after each change, until none changes the config (at most ten times). */
export async function guessConfig(request: GuessRequest): Promise<GuessedConfig> {
  const plugins = request.plugins.filter((p) => request.exclude?.includes(p.type) !== true).sort((a, b) => a.order - b.order);
  const { parser } = request.in;
  let section = typeof parser === 'string' ? { ...request.in, parser: { type: parser } } : request.in;
  const notes = new Map<string, GuessNote>();
  const warnings = new Set<string>();
  let time: { timeColumn?: string; partitionBy?: readonly string[] } = {};
  for (let round = 0; round < MAX_ROUNDS; round++) {
    request.ctx.signal.throwIfAborted();
    const before = JSON.stringify(section);
    const sample = await request.readSample(section);
    for (const plugin of plugins) {
      const result = await plugin.guess(section, sample, request.ctx);
      if (!result) continue;
      const typed = result.columns && !hasColumns(section) ? await typeColumns(result.columns, request.ctx.sql) : undefined;
      const merged = mergeUnder(section, typed ? withColumns(result.in, typed) : result.in);
      for (const warning of [
        ...result.warnings,
        ...(typed ?? []).flatMap((t) => (t.guessed.warning === undefined ? [] : [`column "${t.column.name}": ${t.guessed.warning}`])),
      ])
        warnings.add(warning);
      for (const note of result.notes) if (!notes.has(note.path)) notes.set(note.path, note);
      typed?.forEach((t, i) => notes.set(`parser.columns[${i}]`, { path: `parser.columns[${i}]`, text: t.guessed.reason }));
      if (typed) time = await guessTime(typed, request.ctx.sql);
      else if (result.timeColumn !== undefined) time = { timeColumn: result.timeColumn };
      if (JSON.stringify(merged) === JSON.stringify(section)) continue;
      section = merged;
      break;
    }
    if (JSON.stringify(section) === before) break;
  }
  // A note on a key that the user gave would claim a decision that was not made.
  const own = [...notes.values()].filter((note) => valueAt(request.in, note.path) === undefined);
  return { in: section, notes: own, warnings: [...warnings], ...time };
}

async function typeColumns(columns: readonly GuessColumn[], sql: SqlConnection): Promise<TypedColumn[]> {
  const typed: TypedColumn[] = [];
  for (const column of columns) typed.push({ column, guessed: await guessColumnType(column, sql) });
  return typed;
}

async function guessTime(typed: readonly TypedColumn[], sql: SqlConnection): Promise<{ timeColumn?: string; partitionBy?: readonly string[] }> {
  const time = chooseTimeColumn(typed);
  if (!time) return {};
  const name = time.column.name;
  return { timeColumn: name, ...((await spansManyDays(time, sql)) ? { partitionBy: [`month(${name})`] } : {}) };
}

function hasColumns(section: JsonObject): boolean {
  return (section['parser'] as JsonObject | undefined)?.['columns'] !== undefined;
}

function withColumns(guessed: JsonObject, typed: readonly TypedColumn[]): JsonObject {
  const columns = typed.map(({ column, guessed: g }) => ({
    name: column.name,
    type: g.type,
    ...(column.extra ?? {}),
    ...(g.format === undefined ? {} : { format: g.format }),
  }));
  return { ...guessed, parser: { ...(guessed['parser'] as JsonObject), columns } };
}

/** `guessed` with every key of `given` over it; lists are taken whole. */
export function mergeUnder(given: JsonObject, guessed: JsonObject): JsonObject {
  const merged: { [key: string]: JsonValue } = { ...given };
  for (const [key, value] of Object.entries(guessed)) {
    const mine = given[key];
    if (mine === undefined) merged[key] = value;
    else if (isObject(mine) && isObject(value)) merged[key] = mergeUnder(mine, value);
  }
  return merged;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a note's path such as `parser.columns[2]`. */
export function valueAt(section: JsonObject, path: string): JsonValue | undefined {
  let at: JsonValue | undefined = section;
  for (const key of pathKeys(path)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as { readonly [key: string]: JsonValue })[key];
  }
  return at;
}

export function pathKeys(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map((m) => (m[2] === undefined ? (m[1] as string) : Number(m[2])));
}
