/** A path within a config as segments: mapping keys and list positions. */
export type ConfigPath = readonly (string | number)[];

/** `in.parser.columns[2].type`; keys that are no plain words are quoted: `columns["a.b"]`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** The reverse of {@link formatPath}; text that is no path is one key. */
export function parsePath(text: string): ConfigPath {
  const path: (string | number)[] = [];
  const pattern = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) return [text];
    if (match[1] !== undefined) path.push(match[1]);
    else if (match[2] !== undefined) path.push(Number(match[2]));
    else path.push(JSON.parse(match[3] ?? '""') as string);
  }
  return path;
}

/** A JSON pointer, as ajv gives it. Only positions of lists become numbers. */
export function parsePointer(pointer: string, value: unknown): ConfigPath {
  const path: (string | number)[] = [];
  let current = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const segment = Array.isArray(current) ? Number(key) : key;
    path.push(segment);
    current = (current as { [key: string]: unknown } | undefined)?.[key];
  }
  return path;
}
