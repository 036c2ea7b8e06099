import { quoteLiteral } from '../../../core/spi/index.js';
import type { TargetFamily } from './target-column.js';

type ArrayFamily = Extract<TargetFamily, { kind: 'array' }>;

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
/** Escapes that mean something else within an array's literal. */
const JSON_ONLY = String.raw`(?:^|[^\\])(?:\\\\)*\\[bfnrtu]`;

/** One element of the JSON array, without its blanks; undefined: a value might be rounded or cut by the server. */
function elementPattern(element: TargetFamily): string | undefined {
  switch (element.kind) {
    case 'integer':
      return String.raw`-?\d+`;
    case 'boolean':
      return 'true|false';
    case 'decimal':
      return element.precision === undefined ? String.raw`-?\d[\d.eE+-]*` : undefined;
    case 'float':
      return element.bits === 64 ? String.raw`-?\d[\d.eE+-]*|"NaN"|"-?Infinity"` : undefined;
    case 'text':
      return element.characters === undefined && !element.padded ? STRING : undefined;
    case 'checked':
      return `${STRING}|${String.raw`-?\d[\d.eE+-]*`}|true|false`;
    default:
      return undefined;
  }
}

/** Predicate of DuckDB for JSON texts that are no flat array of such elements; undefined: none of them can be written. */
export function fitArray(value: string, { element }: ArrayFamily): string | undefined {
  const pattern = elementPattern(element);
  if (pattern === undefined) return undefined;
  const one = String.raw`\s*(?:${pattern}|null)\s*`;
  // (?s): a string that is no JSON may hold newlines; those are for json_valid to refuse.
  const parts = [
    `NOT json_valid(${value})`,
    `NOT regexp_full_match(${value}, ${quoteLiteral(String.raw`(?s)\s*\[(?:\s*|${one}(?:,${one})*)\]\s*`)})`,
  ];
  if (element.kind === 'integer') {
    const numbers = `regexp_extract_all(${value}, ${quoteLiteral(String.raw`-?\d+`)})`;
    parts.push(`len(list_filter(${numbers}, lambda n: coalesce(try_cast(n AS HUGEINT) NOT BETWEEN ${element.min} AND ${element.max}, true))) > 0`);
  } else if (element.kind === 'text') parts.push(`contains(${value}, '\\u0000')`);
  else if (element.kind === 'checked') parts.push(`(${hasJsonEscapes(value)})`);
  return parts.join(' OR ');
}

/** The literal of PostgreSQL's array for a JSON text that {@link fitArray} lets pass. Numbers stay as they are written. */
export function arrayLiteral(value: string, { element }: ArrayFamily): string {
  const same = `regexp_replace(regexp_replace(${value}, '^\\s*\\[', '{'), '\\]\\s*$', '}')`;
  if (element.kind !== 'text') return same;
  const escaped = `replace(replace(json_extract_string(e, '$'), '\\', '\\\\'), '"', '\\"')`;
  const elements = `list_transform(json_extract(${value}, '$[*]'), lambda e: CASE WHEN json_type(e) = 'NULL' THEN 'NULL' ELSE '"' || ${escaped} || '"' END)`;
  return `CASE WHEN ${hasJsonEscapes(value)} THEN '{' || array_to_string(${elements}, ',') || '}' ELSE ${same} END`;
}

function hasJsonEscapes(value: string): string {
  return `regexp_matches(${value}, ${quoteLiteral(JSON_ONLY)})`;
}
