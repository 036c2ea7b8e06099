import type { JsonValue } from '../core/spi/index.js';

/** A Liquid template whose `{{ … }}` are words of YAML for a while, so that it can be read, converted and written again. */
export interface HeldTemplate {
  readonly text: string;
  /** The expression of a word, or undefined for other text. */
  expressionsIn(text: string): readonly string[];
  restore(text: string): string;
}

/** Plain or quoted, as it stands in the file: a value that is rendered without quotes may be a number. */
const WORD = /__expression_(\d+)([pq])__/g;

/** Undefined for templates with tags (`{% … %}`), which only make sense when they are rendered. */
export function holdExpressions(source: string): HeldTemplate | undefined {
  if (source.includes('{%')) return undefined;
  const expressions: string[] = [];
  const text = source
    .split('\n')
    .map((line) =>
      line.replaceAll(/\{\{.*?\}\}/g, (expression, offset: number) => {
        const before = line.slice(0, offset).replaceAll(/\{\{.*?\}\}/g, '');
        const quoted = ['"', "'"].some((quote) => before.split(quote).length % 2 === 0);
        return `__expression_${expressions.push(expression) - 1}${quoted ? 'q' : 'p'}__`;
      }),
    )
    .join('\n');
  const at = (index: string): string => expressions[Number(index)] ?? '';
  return {
    text,
    expressionsIn: (part) => [...part.matchAll(WORD)].map(([, index = '']) => at(index)),
    restore: (part) => part.replaceAll(WORD, (_word, index: string) => at(index)),
  };
}

/** A value that is one expression, put into quotes (text) or out of them (numbers, booleans); undefined for all others. */
export function quoteExpression(value: JsonValue, quoted: boolean): string | undefined {
  if (typeof value !== 'string' || !/^__expression_\d+[pq]__$/.test(value)) return undefined;
  return value.replace(/[pq]__$/, `${quoted ? 'q' : 'p'}__`);
}

/** Whether text with expressions stands in quotes. */
export function isQuoted(text: string): boolean {
  return [...text.matchAll(WORD)].some(([, , mark]) => mark === 'q');
}
