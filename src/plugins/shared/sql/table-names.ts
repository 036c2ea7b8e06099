import { ConfigError, didYouMean, type ConfigPlace, type InputStream, type JsonObject } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';

/** `sales.orders`, `"My.Table"` or `` `my table` `` as its parts; undefined when a quote is not closed or a part is empty. */
export function splitTableName(text: string): readonly string[] | undefined {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const quote = text[at];
    if (quote === '"' || quote === '`') {
      let part = '';
      for (at++; ; at++) {
        if (at >= text.length) return undefined;
        if (text[at] !== quote) part += text[at];
        else if (text[at + 1] === quote) part += text[at++];
        else break;
      }
      at++;
      parts.push(part);
    } else {
      const end = text.indexOf('.', at);
      parts.push(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length : end;
    }
    if (at === text.length) break;
    if (text[at] !== '.') return undefined;
    at++;
  }
  return parts.some((part) => part === '') ? undefined : parts;
}

/** The parts of `table`, led by `schema` where the name has none and one is given. */
export function readTableName(text: string, schema: string | undefined, place: ConfigPlace, key = 'table'): readonly string[] {
  const parts = splitTableName(text);
  if (parts === undefined || parts.length > 2) {
    throw configProblem(place, key, {
      code: 'SQL_TABLE_NAME',
      message: `expected a table as name or schema.name, found ${JSON.stringify(text)}`,
      hint: 'put a part that holds a dot into double quotes',
    });
  }
  return parts.length === 1 && schema !== undefined ? [schema, ...parts] : parts;
}

/** A name that {@link splitTableName} reads back to the same parts. */
export function joinTableName(parts: readonly string[]): string {
  return parts.map((part) => (/^[^".`]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.');
}

export interface FoundTable {
  readonly schema: string;
  readonly name: string;
}

/** Tables that a list of names and wildcards (`*`, `?`) means, in the order in which the server gave them. */
export function chooseTables(
  wanted: readonly string[],
  excluded: readonly string[],
  found: readonly FoundTable[],
  defaultSchema: string,
  place: ConfigPlace,
): readonly FoundTable[] {
  const matchers = wanted.map((text, i) => ({ text, i, matches: tableMatcher(text, defaultSchema, place, `tables[${i}]`) }));
  const except = excluded.map((text, i) => tableMatcher(text, defaultSchema, place, `exclude_tables[${i}]`));
  for (const { text, i, matches } of matchers) {
    if (found.some(matches)) continue;
    const names = found.map((table) => (table.schema === defaultSchema ? table.name : `${table.schema}.${table.name}`));
    throw new ConfigError({
      code: 'SQL_NO_TABLE',
      message: `in.tables[${i}]: no table matches ${JSON.stringify(text)}${didYouMean(text, names)}`,
      hint: `check the name and the user's rights; without a schema it is looked for in ${defaultSchema}`,
      where: place.at(`tables[${i}]`),
    });
  }
  const chosen = found.filter((table) => matchers.some(({ matches }) => matches(table)) && !except.some((matches) => matches(table)));
  if (chosen.length > 0) return chosen;
  throw new ConfigError({
    code: 'SQL_NO_TABLE',
    message: 'in.tables: exclude_tables leaves no table',
    hint: 'take a pattern out of exclude_tables',
    where: place.at('exclude_tables'),
  });
}

function tableMatcher(text: string, defaultSchema: string, place: ConfigPlace, key: string): (table: FoundTable) => boolean {
  const [schema, name] = readTableName(text, defaultSchema, place, key);
  const ofSchema = wildcard(schema ?? '');
  const ofName = wildcard(name ?? '');
  return (table) => ofSchema.test(table.schema) && ofName.test(table.name);
}

function wildcard(text: string): RegExp {
  const pattern = text
    .replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 'su');
}

/** One stream for each table: the config as it is, with `table` in the place of `tables`. Names of other schemas lead with it. */
export function tableStreams(config: JsonObject, tables: readonly FoundTable[], defaultSchema: string): readonly InputStream[] {
  const { tables: _tables, exclude_tables: _excluded, ...rest } = config;
  return tables.map(({ schema, name }) => ({
    name: schema === defaultSchema ? name : `${schema}.${name}`,
    config: { ...rest, table: joinTableName([schema, name]) },
  }));
}
