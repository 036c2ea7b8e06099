/** Texts of SQL in which a placeholder is none: strings, quoted names, comments, dollar quotes, casts (`::type`). */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$|::|:([A-Za-z_][A-Za-z0-9_]*)/g;

/**
 * A query with `:column` placeholders, as Embulk's `use_raw_query_with_incremental` has them, filled by `valueOf` (SQL of the
 * value). Names that `valueOf` does not know stay as they are. `used` are the names that were filled.
 */
export function fillPlaceholders(
  query: string,
  valueOf: (name: string) => string | undefined,
): { readonly sql: string; readonly used: ReadonlySet<string> } {
  const used = new Set<string>();
  const sql = query.replaceAll(TOKEN, (text, _tag: string | undefined, name: string | undefined) => {
    const value = name === undefined ? undefined : valueOf(name);
    if (name === undefined || value === undefined) return text;
    used.add(name);
    return value;
  });
  return { sql, used };
}
