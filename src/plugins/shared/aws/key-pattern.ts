/** A glob over object keys: `*` and `?` within a folder, `**` across folders, `[a-z]`, `{a,b}`. */
export interface KeyPattern {
  /** All keys that match start with it. */
  readonly prefix: string;
  matches(key: string): boolean;
}

const WILD = /[*?[{]/;

export function isKeyPattern(text: string): boolean {
  return WILD.test(text);
}

export function parseKeyPattern(glob: string): KeyPattern {
  const first = glob.search(WILD);
  const pattern = new RegExp(`^${translate(glob)}$`, 'su');
  return { prefix: first < 0 ? glob : glob.slice(0, first), matches: (key) => pattern.test(key) };
}

function translate(glob: string): string {
  let out = '';
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const rest = glob.slice(i);
    const set = /^\[([!^]?)([^\]/]+)\]/.exec(rest);
    const char = glob.charAt(i);
    if (rest.startsWith('**/')) {
      out += '(?:.*/)?';
      i += 2;
    } else if (rest.startsWith('**')) {
      out += '.*';
      i += 1;
    } else if (char === '*') out += '[^/]*';
    else if (char === '?') out += '[^/]';
    else if (set) {
      out += `[${set[1] === '' ? '' : '^'}${(set[2] ?? '').replaceAll(/[\\[\]&|~^]/g, '\\$&')}]`;
      i += set[0].length - 1;
    } else if (char === '{' && rest.includes('}')) {
      out += '(?:';
      depth++;
    } else if (char === '}' && depth > 0) {
      out += ')';
      depth--;
    } else if (char === ',' && depth > 0) out += '|';
    else out += char.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  return out;
}
