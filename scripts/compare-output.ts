/**
 * The first expected line that does not follow the ones before it. `…` stands for anything, blanks and rules count as one, and lines
 * of the output may be left out.
 */
export function findMissing(expected: readonly string[], output: string): string | undefined {
  const actual = output.split('\n').map(squeeze);
  let at = 0;
  for (const line of expected.filter((text) => text.trim() !== '')) {
    const pattern = new RegExp(`^${squeeze(line).split('…').map(escapePattern).join('.*')}$`);
    const found = actual.findIndex((text, i) => i >= at && pattern.test(text));
    if (found < 0) return line;
    at = found + 1;
  }
  return undefined;
}

function squeeze(text: string): string {
  return text.replaceAll(/-{2,}/g, '-').replaceAll(/\s+/g, ' ').trim();
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
