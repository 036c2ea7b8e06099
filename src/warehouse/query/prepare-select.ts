import type { DuckConnection } from '../../core/duckdb/index.js';
import { quoteIdentifier } from '../../core/spi/index.js';
import { sqlText, type Dialect, type SqlText } from './dialect.js';
import { INFORMATION_SCHEMA } from './information-schema.js';
import { rewriteShow } from './show-statements.js';
import { engineNamespace } from './engine-namespaces.js';
import { isSign, tokenizeSql, type SqlToken } from './sql-tokens.js';
import { expandTdFunctions } from './td/rewrite.js';
import { analyzeSelect, type MentionedTable } from './statement-analysis.js';
import { rewriteText, type Replacement } from './text-map.js';
import { findTimeTravel, type TravelledTable } from './time-travel.js';

/** One SELECT, ready to be resolved and planned. */
export interface PreparedSelect {
  readonly sql: SqlText;
  readonly mentions: readonly MentionedTable[];
  readonly travelled: ReadonlyMap<number, TravelledTable>;
}

export interface PrepareOptions {
  /** What TD_SCHEDULED_TIME() gives, in epoch milliseconds. */
  readonly scheduledTime: number;
  /** Views: unqualified names get this namespace, whatever the reader's default is. */
  readonly qualifyWith?: string;
  /** Where the numbers of travelled tables start; unique among the texts of one query. */
  readonly firstTravel?: number;
}

/** From the user's text to DuckDB's: dialect, SHOW, TD functions, time travel, information_schema; then parsed and checked. */
export async function prepareSelect(connection: DuckConnection, dialect: Dialect, text: string, options: PrepareOptions): Promise<PreparedSelect> {
  const firstTravel = options.firstTravel ?? 0;
  const shown = rewriteShow(text);
  const translated = expandTdFunctions(dialect.translate(shown ?? text), options);
  const tokens = tokenizeSql(translated.text);
  const travel = findTimeTravel(tokens, firstTravel);
  const replacements: Replacement[] = [...travel.replacements];
  tokens.forEach((token, i) => {
    const named = token.kind === 'word' || token.kind === 'quoted';
    if (named && token.value.toLowerCase() === 'information_schema' && isSign(tokens[i + 1], '.'))
      replacements.push({ start: token.start, end: token.end, text: INFORMATION_SCHEMA });
  });
  const last = tokens.at(-1);
  if (isSign(last, ';') && last) replacements.push({ start: last.start, end: last.end, text: '' });
  const sql = derive(translated, translated.original, replacements);
  const mentions = await analyzeSelect(connection, sql);
  const travelled = new Map(travel.tables.map((t, i) => [firstTravel + i, t]));
  return { ...settleNames(sql, mentions, options.qualifyWith), travelled };
}

function derive(from: SqlText, original: string, replacements: readonly Replacement[]): SqlText {
  const sorted = [...replacements].sort((a, b) => a.start - b.start);
  const rewritten = rewriteText(from.text, sorted);
  return sqlText(original, { text: rewritten.text, originOf: (offset) => from.originOf(rewritten.originOf(offset)) });
}

/** Gives bare names the namespace, and namespaces the names that they have in the engine. */
function settleNames(
  sql: SqlText,
  mentions: readonly MentionedTable[],
  qualifyWith: string | undefined,
): { sql: SqlText; mentions: readonly MentionedTable[] } {
  const isBare = (m: MentionedTable): boolean => qualifyWith !== undefined && m.namespace === undefined && !m.maybeCte;
  const renamed = mentions.filter((m) => m.namespace !== undefined && engineNamespace(m.namespace) !== m.namespace);
  if (renamed.length === 0 && !mentions.some(isBare)) return { sql, mentions };
  const tokens = tokenizeSql(sql.text);
  const bare = new Set(mentions.filter(isBare).map((m) => m.textAt));
  const replacements = tokens.flatMap((token, i): Replacement[] => {
    if (bare.has(token.start)) return [{ start: token.start, end: token.start, text: `${quoteIdentifier(engineNamespace(qualifyWith ?? ''))}.` }];
    if (!renamed.some((m) => token.start === m.textAt || isColumnOf(m, tokens.slice(i, i + 4)))) return [];
    return [{ start: token.start, end: token.end, text: quoteIdentifier(engineNamespace(token.value)) }];
  });
  return { sql: derive(sql, sql.original, replacements), mentions: mentions.map((m) => (isBare(m) ? { ...m, namespace: qualifyWith } : m)) };
}

/** `namespace.table.` before a column. */
function isColumnOf(mention: MentionedTable, [namespace, dot, name, end]: readonly SqlToken[]): boolean {
  const is = (token: SqlToken | undefined, text: string | undefined): boolean =>
    (token?.kind === 'word' || token?.kind === 'quoted') && token.value.toLowerCase() === text?.toLowerCase();
  return is(namespace, mention.namespace) && isSign(dot, '.') && is(name, mention.name) && isSign(end, '.');
}
