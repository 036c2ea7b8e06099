export interface Summary {
  readonly total: number;
  readonly passed: number;
  readonly skipped: number;
}

/** The last summary block that uvu printed; undefined when there is none, as after a crash or without `test.run()`. */
export function readSummary(output: string): Summary | undefined {
  const blocks = [...output.matchAll(/^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm)];
  const last = blocks.at(-1);
  if (last === undefined) return undefined;
  return { total: Number(last[1]), passed: Number(last[2]), skipped: Number(last[3]) };
}
