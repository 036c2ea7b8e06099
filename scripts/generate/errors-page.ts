import { collectErrors } from './error-codes.js';
import type { ErrorUse } from './error-codes.js';
import { ERROR_MEANINGS } from './error-meanings.js';
import { escapeCell, GENERATED_NOTE } from './markdown.js';

/**
 * The list of all error codes with their messages and hints. A code whose message the source builds in pieces needs an
 * entry in error-meanings.ts.
 */
export async function writeErrorsPage(source: string): Promise<string> {
  const byCode = new Map<string, ErrorUse[]>();
  for (const use of await collectErrors(source)) byCode.set(use.code, [...(byCode.get(use.code) ?? []), use]);
  const unused = Object.keys(ERROR_MEANINGS).filter((code) => !byCode.has(code));
  const missing = [...byCode]
    .filter(([code, uses]) => !Object.hasOwn(ERROR_MEANINGS, code) && firstText(uses, 'message') === undefined)
    .map(([code]) => code);
  const faults = [...missing.map((code) => `add ${code}`), ...unused.map((code) => `remove ${code}`)];
  if (faults.length > 0) throw new Error(`scripts/generate/error-meanings.ts does not fit the source: ${faults.join(', ')}`);
  return `${GENERATED_NOTE}

# Errors

An error names its place, what was expected and what was found; the hint says what to do. The exit code tells the kind:

| exit code | kind | meaning |
| --- | --- | --- |
| 0 | | done |
| 2 | config | the config, the command line, a SQL text or the target's shape is wrong; nothing was moved |
| 3 | data | bad records beyond the limit, or data that contradicts the plan; nothing was committed |
| 4 | remote | a system outside failed: file system, database, network, memory |
| 5 | conflict | somebody else runs this pipeline, or won the commit after all retries |
| 70 | bug | a contract of Sluice was broken; please report it |
| 130 | cancelled | the user stopped the run |
| 141 | reader gone | whoever read the output closed the pipe, as head does |

In the messages below, … stands for what is filled in.

| code | kind | meaning | what to do |
| --- | --- | --- | --- |
${[...byCode].map(([code, uses]) => writeRow(code, uses)).join('\n')}
`;
}

function writeRow(code: string, uses: readonly ErrorUse[]): string {
  const kinds = [...new Set(uses.flatMap(({ kind }) => (kind === undefined ? [] : [kind.replace(/Errors?$/, '').toLowerCase()])))].sort();
  const entry = ERROR_MEANINGS[code];
  const means = entry?.means ?? firstText(uses, 'message') ?? '';
  const todo = entry?.todo ?? firstText(uses, 'hint') ?? (kinds.includes('bug') ? 'report it, with the message' : '');
  return `| \`${code}\` | ${kinds.join(', ')} | ${escapeCell(means)} | ${escapeCell(todo)} |`;
}

/** The longest text of all uses: it says most. */
function firstText(uses: readonly ErrorUse[], part: 'message' | 'hint'): string | undefined {
  const texts = uses.flatMap((use) => use[part] ?? []).filter((text) => /[a-z]{3}/.test(text));
  return texts.sort((a, b) => b.length - a.length || (a < b ? -1 : 1))[0];
}
