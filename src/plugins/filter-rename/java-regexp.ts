/**
 * A Java regular expression as JavaScript. The common syntax is the same; `(?i)`, `(?s)` and `(?m)` at the start and `\\Q…\\E` are
 * translated. Possessive quantifiers, atomic groups, `\\h` and POSIX classes such as `\\p{Alpha}` have no counterpart and are
 * syntax errors, which the caller reports.
 */
export function javaRegExp(source: string): RegExp {
  const quoted = source.replace(/\\Q([\s\S]*?)(?:\\E|$)/g, (_, text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  const inline = /^\(\?([ims]+)\)/.exec(quoted);
  const flags = `g${inline?.[1] ?? ''}`;
  const body = inline ? quoted.slice(inline[0].length) : quoted;
  try {
    return new RegExp(body, `${flags}u`);
  } catch (error) {
    // Outside of unicode mode needless escapes such as `\-` are allowed, as in Java, but `\p` would mean the letter p.
    if (/\\[pPhHRX]/.test(body)) throw error;
    return new RegExp(body, flags);
  }
}

/** Java's replacement text: `$1`, `${name}`, and a backslash before any literal character. */
export function replaceLikeJava(text: string, pattern: RegExp, replacement: string): string {
  return text.replace(pattern, (...args) => {
    const named = typeof args.at(-1) === 'object' ? (args.at(-1) as Record<string, string | undefined>) : {};
    const groups = args.slice(
      0,
      args.findIndex((a) => typeof a === 'number'),
    ) as (string | undefined)[];
    return replacement.replace(/\\([\s\S])|\$(\d)|\$\{(\w+)\}/g, (whole, literal?: string, number?: string, name?: string) => {
      if (literal !== undefined) return literal;
      if (number !== undefined) return groups[Number(number)] ?? '';
      return name === undefined ? whole : (named[name] ?? '');
    });
  });
}
