/** How objects are called; plain JSON, part of the stored plan. */
export interface NamePattern {
  readonly stem: string;
  /** Null: the run id and both numbers. Empty: the stem and the ending are the whole name. */
  readonly sequence: string | null;
  readonly extension: string;
}

/** Where an object's number comes from. */
export interface ObjectNumber {
  readonly runId: string;
  readonly task: number;
  readonly index: number;
}

/** The name of an object within its folder; `folder` is empty or ends with `/`. */
export function objectName(pattern: NamePattern, number: ObjectNumber, folder = ''): string {
  const { stem, sequence, extension } = pattern;
  const middle =
    sequence === null ? `${number.runId}.${pad(number.task, 3)}.${pad(number.index, 2)}` : formatSequence(sequence, [number.task, number.index]);
  return `${folder}${stem}${middle}${extension}`;
}

/** No other run makes these names. */
export function namesAreUnique(pattern: NamePattern): boolean {
  return pattern.sequence === null;
}

const DIRECTIVE = /%(?:%|(0?)(\d*)d|.?)/gsu;

/** What is wrong with a `sequence_format`; undefined when nothing is. */
export function sequenceProblem(format: string): string | undefined {
  let numbers = 0;
  for (const [directive] of format.matchAll(DIRECTIVE)) {
    if (directive === '%%') continue;
    if (!directive.endsWith('d')) return `has ${JSON.stringify(directive)}; only %d with a width, such as %03d, and %% are known`;
    numbers++;
  }
  if (numbers > 2) return 'has more than two numbers; they are the task and the file within it';
  return format.includes('/') ? 'has a "/"; folders belong into path_prefix' : undefined;
}

function formatSequence(format: string, numbers: readonly number[]): string {
  let next = 0;
  return format.replaceAll(DIRECTIVE, (directive, zero: string | undefined, width: string | undefined) => {
    if (directive === '%%') return '%';
    const text = String(numbers[next++] ?? 0);
    return zero === '0' ? text.padStart(Number(width), '0') : text.padStart(Number(width ?? 0));
  });
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** A text as one part of a path: everything but letters, digits, `_`, `-` and inner dots is percent-encoded. */
export function encodePart(text: string): string {
  const encoded = encodeURIComponent(Buffer.from(text).toString()).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return /^[._]/.test(encoded) ? `%${encoded.charCodeAt(0).toString(16).toUpperCase()}${encoded.slice(1)}` : encoded;
}
