import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findMissing } from '../../scripts/compare-output.js';
import { findBlocks, splitWords, type CodeBlock } from '../../scripts/markdown-blocks.js';
import { Desk } from '../cli/desk.js';
import { ROOT } from './pages.js';

/**
 * The tutorial from its first command to its last: blocks that start with `$ ` are run and compared with what stands below;
 * others without a language are the content of the file that was named last before them.
 */
const page = readFileSync(join(ROOT, 'docs/tutorial.md'), 'utf8');
const lines = page.split('\n');
const test = suite('tutorial');

/** What differs between two runs: run ids, times, sizes, memory. */
function mask(text: string): string {
  return text
    .replaceAll(/\d{8}T\d{6}-[0-9a-f]{8}/g, 'RUN')
    .replaceAll(/20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/[\d,.]+ s +[\d,]+ +[\d,.]+ MB/g, 'PACE')
    .replaceAll(/[\d,.]+ (?:B|kB|MB)\b/g, 'SIZE');
}

function nameBefore(block: CodeBlock): string | undefined {
  const prose = lines.slice(0, block.line - 2).join('\n');
  return [...prose.matchAll(/`(data\/[^`*]+\.csv)`/g)].at(-1)?.[1];
}

test('every command gives what the page shows', async () => {
  const desk = new Desk();
  let cwd = '.';
  let commands = 0;
  try {
    for (const block of findBlocks(page)) {
      const [first = ''] = block.lines;
      if (first === '# seed.yml') desk.write(join(cwd, 'seed.yml'), block.lines.join('\n'));
      if (block.language !== '') continue;
      if (!first.startsWith('$ ')) {
        desk.write(join(cwd, nameBefore(block) ?? ''), `${block.lines.join('\n')}\n`);
        continue;
      }
      const place = `docs/tutorial.md:${block.line}`;
      const expected = block.lines.slice(1);
      const { code, stdout, stderr } = await desk.sluice(splitWords(first).slice(2), { cwd });
      // The page shows what a terminal shows, where reports come before results.
      const output = `${stderr}\n${stdout}`;
      assert.is(code === 0, !expected.some((line) => line.startsWith('error ')), `${place}: ended with ${code}\n${output}`);
      const shown = expected.map(mask);
      const missing = findMissing(shown, mask(output)) && findMissing(shown, mask(`${stdout}\n${stderr}`));
      assert.is(missing, undefined, `${place}: expected a line like ${String(missing)}, found\n${mask(output)}`);
      if (first.startsWith('$ sluice init')) cwd = 'shop';
      commands++;
    }
    assert.ok(commands >= 15, `${commands} commands`);
  } finally {
    desk.remove();
  }
});

test.run();
