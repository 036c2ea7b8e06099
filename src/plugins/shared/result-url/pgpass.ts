/** The password of the first line of a pgpass file that fits (libpq, "The Password File"); `*` fits everything. */
export function findPgPassword(
  text: string,
  wanted: { readonly host: string; readonly port: number; readonly database: string; readonly user: string },
): string | undefined {
  const values = [wanted.host, String(wanted.port), wanted.database, wanted.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitLine(line);
    if (fields.length >= 5 && values.every((value, i) => fields[i] === '*' || fields[i] === value)) return fields.slice(4).join(':');
  }
  return undefined;
}

/** Colons part the fields; a backslash keeps the next character as it is. */
function splitLine(line: string): string[] {
  const fields = [''];
  let escaped = false;
  for (const character of line) {
    if (!escaped && character === '\\') escaped = true;
    else if (!escaped && character === ':') fields.push('');
    else {
      fields[fields.length - 1] += character;
      escaped = false;
    }
  }
  return fields;
}
