export interface CodeBlock {
  readonly language: string;
  /** Where its first line of code stands, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
}

/** The fenced code blocks of a page, in order. */
export function findBlocks(page: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [i, line] of page.split('\n').entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { language: fence[1] ?? '', line: i + 2, lines: [] };
    else {
      blocks.push(open);
      open = undefined;
    }
  }
  return blocks;
}

/** A command line as its words, quotes taken away; what a comment says is left out. */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  const pattern = /(?:^|\s)#.*$|(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\\.|[^\s"'\\]+))/g;
  let end = -1;
  for (const match of line.matchAll(pattern)) {
    const [all, double, single, bare] = match;
    if (/^\s*#/.test(all)) break;
    const text = double?.replaceAll(/\\(["\\$`])/g, '$1') ?? single ?? bare?.replace(/^\\/, '') ?? '';
    if (match.index === end) words[words.length - 1] += text;
    else words.push(text);
    end = match.index + all.length;
  }
  return words;
}
