import type { DuckConnection } from '../../core/duckdb/index.js';
import { quoteIdentifier } from '../../core/spi/index.js';
import { sqlText, type Dialect, type SqlText } from './dialect.js';
import { INFORMATION_SCHEMA } from './information-schema.js';
import { rewriteShow } from './show-statements.js';
import { isSign, tokenizeSql } from './sql-tokens.js';
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
  return options.qualifyWith === undefined ? { sql, mentions, travelled } : { ...qualify(sql, mentions, options.qualifyWith), travelled };
}

function derive(from: SqlText, original: string, replacements: readonly Replacement[]): SqlText {
  const sorted = [...replacements].sort((a, b) => a.start - b.start);
  const rewritten = rewriteText(from.text, sorted);
  return sqlText(original, { text: rewritten.text, originOf: (offset) => from.originOf(rewritten.originOf(offset)) });
}

function qualify(sql: SqlText, mentions: readonly MentionedTable[], namespace: string): { sql: SqlText; mentions: readonly MentionedTable[] } {
  const bare = mentions.filter((m) => m.namespace === undefined && !m.maybeCte);
  const tokens = tokenizeSql(sql.text);
  const replacements = bare.flatMap((m): Replacement[] => {
    const token = tokens.find((t) => t.start === m.textAt);
    return token ? [{ start: token.start, end: token.start, text: `${quoteIdentifier(namespace)}.` }] : [];
  });
  return { sql: derive(sql, sql.original, replacements), mentions: mentions.map((m) => (bare.includes(m) ? { ...m, namespace } : m)) };
}
