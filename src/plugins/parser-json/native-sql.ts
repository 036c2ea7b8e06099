import { quoteIdentifier, quoteLiteral, quotePaths } from '../../core/spi/index.js';
import type { JsonColumn, JsonLayout } from './config.js';

export interface NativeSqlOptions {
  readonly paths: readonly string[];
  /** Key lists that were seen in the sample. */
  readonly keyLists: readonly (readonly string[])[];
  /** SQL function text -> JSON array of the columns' texts, or NULL when the line is no record. */
  readonly exactFunction: string;
  /** Whether a comma may stand before a closing bracket. */
  readonly asksCommas: boolean;
  readonly maxLineBytes: number;
}

export interface NativeSql {
  /** Behind FROM: the good records' texts, in file order. */
  readonly relation: string;
  /** A SELECT of the 1-based numbers of the lines that the relation leaves out, ascending. */
  readonly leftOut: string;
}

/** Whether the keys can be looked for in the raw text and taken out by DuckDB's own reader. */
export function suitsNative(layout: JsonLayout): boolean {
  if (layout.escapes !== 'PASSTHROUGH' || layout.root.length > 0 || layout.flatten) return false;
  if (layout.columns.some((c) => c.path.length > 1 || (c.path.length === 0 && c.rule !== 'json'))) return false;
  const keys = topKeys(layout);
  return keys.every((k) => k !== '' && !/["\\/\p{Cc}]/u.test(k)) && new Set(keys.map((k) => k.toLowerCase())).size === keys.length;
}

function topKeys(layout: JsonLayout): string[] {
  return [...new Set(layout.columns.flatMap((c) => c.path.slice(0, 1)))];
}

/**
 * No IN list may be used here: DuckDB makes a join of a longer one, and a join changes the order of the rows.
 *
 * One pass of DuckDB's JSON reader over whole lines (`j`), the values as JSON text (`e`), and beside them the question
 * whether that text can be trusted (`doubt`). Doubted lines, few in practice, go through our own tokenizer (`o`).
 */
export function buildNativeSql(layout: JsonLayout, options: NativeSqlOptions): NativeSql {
  const keys = topKeys(layout);
  const source = `read_ndjson_objects(${quotePaths(options.paths)}, ignore_errors=true, maximum_object_size=${options.maxLineBytes}, hive_partitioning=false)`;
  const lines = `select cast(json as varchar) as j from ${source}`;
  const typed = typedColumns(layout);
  const complete = hasAllKeys(keys, options.keyLists);
  const spec = quoteLiteral(
    JSON.stringify(Object.fromEntries(layout.columns.filter((c) => c.path.length > 0).map((c) => [c.path[0], isTyped(c) ? 'VARCHAR' : 'JSON']))),
  );
  // The strict form fails on duplicate and on missing keys, so it needs no further question about duplicates.
  const values =
    keys.length === 0
      ? lines
      : `select j, ${complete ? `try(json_transform_strict(j, ${spec}))` : `json_transform(j, ${spec})`} as e from (${lines})`;
  const texts = layout.columns.map((c, i) => (needsSourceText(c) ? `${sourceText(c)} as t${i}` : undefined)).filter((t) => t !== undefined);
  const withTexts = texts.length === 0 ? values : `select *, ${texts.join(', ')} from (${values})`;
  // random(): the filter on `doubt` must stay above, or DuckDB evaluates all of this twice.
  const doubted = `select *, (coalesce(${doubts(layout, keys, typed, complete, options.asksCommas).join(' or ')}, true) or random() < 0) as doubt from (${withTexts})`;
  const exact = `select *, case when doubt and j is not null then ${quoteIdentifier(options.exactFunction)}(j) end as o from (${doubted})`;
  const good = 'j is not null and (not doubt or o is not null)';
  const columns = layout.columns.map(
    (c, i) => `case when doubt then json_extract_string(o, '$[${i}]') else ${trustedText(c, i)} end as ${quoteIdentifier(c.name)}`,
  );
  return {
    relation: `(select ${columns.join(', ')} from (${exact}) where ${good})`,
    leftOut: `select n from (select row_number() over () as n, ${good} as good from (${exact})) where not good`,
  };
}

/** Columns whose JSON strings DuckDB unquotes; what other values they hold is asked beside. */
function isTyped(column: JsonColumn): boolean {
  return column.path.length > 0 && (column.rule === 'string' || column.rule === 'time');
}

function typedColumns(layout: JsonLayout): JsonColumn[] {
  return layout.columns.filter(isTyped);
}

function hasAllKeys(keys: readonly string[], lists: readonly (readonly string[])[]): boolean {
  return lists.length > 0 && lists.every((list) => keys.every((key) => list.includes(key)));
}

function valueOf(column: JsonColumn): string {
  return `cast(struct_extract(e, ${quoteLiteral(column.path[0] as string)}) as varchar)`;
}

function trustedText(column: JsonColumn, index: number): string {
  if (column.path.length === 0) return 'j';
  const x = valueOf(column);
  switch (column.rule) {
    case 'json':
      return `t${index}`;
    case 'number':
    case 'string':
    case 'time':
      return x;
    case 'boolean':
      return `case when ${x} = 'true' or ${x} = 'false' then ${x} when ${x} < ':' and ${x} >= '-' then 'number ' || ${x} else ${x} end`;
  }
}

function needsSourceText(column: JsonColumn): boolean {
  return column.rule === 'json' && column.path.length > 0;
}

const STRING = '"(?:[^"\\\\]|\\\\.)*"';
const FLAT = `[\\[{](?:[^\\[\\]{}"]|${STRING})*[\\]}]`;
const NESTED = `[\\[{](?:[^\\[\\]{}"]|${STRING}|${FLAT})*[\\]}]`;

/**
 * The text of a json column as it stands in the line, or NULL when that is not certain. DuckDB writes values anew
 * (`1.10` becomes `1.1`, spaces go), so its text is only taken when the line holds it behind the key.
 */
function sourceText(column: JsonColumn): string {
  const x = valueOf(column);
  const key = JSON.stringify(column.path[0]);
  // One CASE branch a spelling: a second one costs nothing where the first is found.
  const held = (ends: readonly string[]): string =>
    [`${key}:`, `${key}: `]
      .flatMap((start) => ends.map((end) => `when contains(j, ${quoteLiteral(start)} || ${x}${end === '' ? '' : ` || '${end}'`}) then ${x}`))
      .join(' ');
  const candidate = `regexp_extract(j, ${quoteLiteral(`${escapeRegExp(key)}\\s*:\\s*(${NESTED})`)}, 1)`;
  // Below the record the key may stand again, before another spelling of the same value.
  const twice = `regexp_matches(j, ${quoteLiteral(`${escapeRegExp(key)}.*${escapeRegExp(key)}`)})`;
  return (
    `case when ${x} is null or ${twice} then null` +
    ` when starts_with(${x}, '{') or starts_with(${x}, '[') then case ${held([''])} when json_valid(${candidate}) and cast(json(${candidate}) as varchar) = ${x} then ${candidate} end` +
    ` when starts_with(${x}, '"') or ${x} = 'true' or ${x} = 'false' or regexp_full_match(${x}, '-?[0-9]+') then case ${held([''])} end` +
    ` else case ${held([',', '}'])} end end`
  );
}

/** SQL conditions; any that is true or NULL sends the line to our tokenizer. */
function doubts(layout: JsonLayout, keys: readonly string[], typed: readonly JsonColumn[], complete: boolean, asksCommas: boolean): string[] {
  const lenient = quoteLiteral('[:\\[,]\\s*-?(?i:nan|inf|infinity)\\s*[,}\\]]');
  const words = "contains(j, 'NaN') or contains(j, 'Infinity')";
  const list = [
    // What DuckDB reads though it is no JSON.
    "not starts_with(j, '{')",
    ...(asksCommas ? ["regexp_matches(j, ',\\s*[}\\]]')"] : []),
    `case when ${words} then regexp_matches(j, ${lenient}) else false end`,
  ];
  if (keys.length === 0) return list;
  list.push(complete ? 'e is null' : 'len(list_distinct(json_keys(j))) <> len(json_keys(j))');
  // A key spelled with escapes is not found in the raw text.
  list.push(`contains(j, ${quoteLiteral(keys.every((k) => /^[\x20-\x7e]*$/.test(k)) ? '\\u00' : '\\u')})`);
  if (typed.length > 0) list.push(`case when ${anyOf(typed.map(mayBeNoString))} then ${holdsNoString(typed)} else false end`);
  const decimals = layout.columns.filter((c) => c.type.startsWith('decimal')).map((c) => c.path[0] as string);
  if (decimals.length > 0) list.push(`regexp_matches(j, ${quoteLiteral(`${keyPattern(decimals)}-?(?:[0-9.]+[eE]|${longReal()})`)})`);
  const numbers = layout.columns.filter((c) => c.rule === 'number').map((c) => c.path[0] as string);
  if (numbers.length > 0) {
    const spelled = [':-0', ' -0', '\t-0'].map((text) => `contains(j, ${quoteLiteral(text)})`).join(' or ');
    const exact = `regexp_matches(j, ${quoteLiteral(`${keyPattern(numbers)}-0\\s*[,}]`)})`;
    // DuckDB's text of `-0` is `0`.
    const zero = anyOf(layout.columns.filter((c) => c.rule === 'number').map((c) => `${valueOf(c)} = '0'`));
    list.push(`case when ${zero} then case when ${spelled} then ${exact} else false end else false end`);
  }
  // DuckDB takes `nan` and `inf` in any case and spells them so; the raw line was only asked for the usual spellings.
  for (const c of layout.columns) {
    const x = c.path.length > 0 ? valueOf(c) : '';
    if (c.rule === 'number') list.push(`coalesce(${x} >= ':' or (${x} >= '-:' and ${x} < '.'), false)`);
    if (needsSourceText(c)) list.push(`coalesce(contains(${x}, 'NaN') or contains(${x}, 'Infinity'), false)`);
  }
  layout.columns.forEach((c, i) => {
    if (needsSourceText(c)) list.push(`(${valueOf(c)} is not null and t${i} is null)`);
  });
  return list;
}

function anyOf(conditions: readonly string[]): string {
  return conditions.map((condition) => `coalesce(${condition}, false)`).join(' or ');
}

/**
 * Whether the text of a column whose strings are unquoted could also be that of another value: asked first, since asking
 * for the types parses the line once more. A moment may be an integer, whose text is exact.
 */
function mayBeNoString(column: JsonColumn): string {
  const x = valueOf(column);
  const number = `try_cast(${x} as double) is not null`;
  const real = `case when contains(${x}, '.') or contains(${x}, 'e') or contains(${x}, 'E') then ${number} else false end`;
  const nested = `(${x} >= '[' and ${x} < '\\') or (${x} >= '{' and ${x} < '|')`;
  // NaN and Infinity come in any case; lower() of every short text would cost more than a few questions too many.
  const initials = ['I', 'N', 'i', 'n'].map((c) => `(${x} >= '${c}' and ${x} < '${String.fromCharCode(c.charCodeAt(0) + 1)}')`);
  const words = [`${x} = 'true'`, `${x} = 'false'`, ...initials].join(' or ');
  return (
    // A path is no number; a cast that fails is dear.
    `case when ${x} < ':' and ${x} >= '-' and not (${x} >= '/' and ${x} < '0') then ${column.rule === 'time' ? real : number} ` +
    `when strlen(${x}) > 8 then ${nested} else ${nested} or ${words} end`
  );
}

/** Whether one of these columns holds neither a string nor null. */
function holdsNoString(columns: readonly JsonColumn[]): string {
  const paths = columns.map((c) => quoteLiteral(`/${(c.path[0] as string).replaceAll('~', '~0')}`)).join(', ');
  const other = columns.map((c, i) => {
    const type = `json_type(j, [${paths}])[${i + 1}]`;
    const integers = c.rule === 'time' ? ` and ${type} <> 'UBIGINT' and ${type} <> 'BIGINT'` : '';
    return `coalesce(${type} <> 'VARCHAR' and ${type} <> 'NULL'${integers}, false)`;
  });
  return other.join(' or ');
}

/** A real number of 16 digits or more: a double cannot hold it exactly, so DuckDB's text of it may differ. */
function longReal(): string {
  return `(?:${Array.from({ length: 15 }, (_, i) => `[0-9]{${i + 1}}[0-9]*\\.[0-9]{${15 - i},}`).join('|')})`;
}

function keyPattern(keys: readonly string[]): string {
  return `"(?:${keys.map(escapeRegExp).join('|')})"\\s*:\\s*`;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
