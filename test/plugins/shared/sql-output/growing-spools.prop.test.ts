import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GrowingSpools } from '../../../../src/plugins/shared/sql-output/growing-spools.js';
import { READ_BYTES } from '../../../../src/plugins/shared/sql-output/staged-bytes.js';

/** Lines of a file: their lengths. Some are longer than what is read at once. */
const lengths = fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.constant(READ_BYTES + 77) }), { maxLength: 12 });
/** Where the next piece of a file ends, as a part of what is left; which file grows. */
const growth = fc.array(fc.record({ file: fc.nat(20), part: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 40 });

const lineOf = (file: number, line: number, length: number): string => `${file}:${line}:${'x'.repeat(length)}\n`;

async function sendWhileGrowing(
  newlineEndsLine: boolean,
  files: readonly (readonly number[])[],
  steps: readonly { file: number; part: number }[],
): Promise<{ readonly sent: string; readonly lines: readonly string[]; readonly bytes: number }> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-spools-'));
  try {
    const spools = new GrowingSpools(newlineEndsLine);
    const [first, second] = [join(root, 'a'), join(root, 'b')];
    const [one, two] = [spools.add(first), spools.add(second)];
    await mkdir(second);
    const lines = files.map((all, file) => all.map((length, line) => lineOf(file, line, length)));
    const left = lines.map((all, file) => ({ path: join(file % 2 === 0 ? first : second, `part-${file}`), text: all.join('') }));
    await mkdir(first);
    for (const { path } of left) await writeFile(path, '');
    const queue = [...steps];
    let all = false;
    const grow = async (): Promise<void> => {
      const step = queue.shift();
      const file = step && left[step.file % left.length];
      if (file) {
        const length = Math.ceil(file.text.length * step.part);
        await appendFile(file.path, file.text.slice(0, length));
        file.text = file.text.slice(length);
        return;
      }
      for (const { path, text } of left) await appendFile(path, text);
      one.files = left.filter((_, i) => i % 2 === 0).map(({ path }) => path);
      two.files = left.filter((_, i) => i % 2 === 1).map(({ path }) => path);
      all = true;
    };
    let sent = '';
    for await (const chunk of spools.bytes(() => all, grow)) {
      sent += chunk.toString();
      // Others grow also while something is sent.
      if (queue.length > 0) await grow();
    }
    return { sent, lines: lines.flat(), bytes: spools.sentBytes };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const shapes = fc.array(lengths, { minLength: 1, maxLength: 4 });

test('each line of files that grow together is sent once and whole', () =>
  fc.assert(
    fc.asyncProperty(shapes, growth, async (files, steps) => {
      const { sent, lines, bytes } = await sendWhileGrowing(true, files, steps);
      assert.is(bytes, sent.length);
      assert.equal(sent.split('\n').slice(0, -1).sort(), lines.map((line) => line.slice(0, -1)).sort());
    }),
    { numRuns: 60 },
  ));

test('where a newline may stand within a line, a file is sent whole before the next one', () =>
  fc.assert(
    fc.asyncProperty(shapes, growth, async (files, steps) => {
      const { sent } = await sendWhileGrowing(false, files, steps);
      const order = sent
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(':')[0]);
      const seen = order.filter((file, i) => file !== order[i - 1]);
      assert.is(new Set(seen).size, seen.length, seen.join());
      assert.is(order.length, files.flat().length);
    }),
    { numRuns: 40 },
  ));

test('a file that does not grow keeps no other from being sent', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-spools-'));
  try {
    const spools = new GrowingSpools(true);
    const spool = spools.add(root);
    await writeFile(join(root, 'part-1'), 'a\nhalf');
    await writeFile(join(root, 'part-2'), 'b\n');
    let sent = '';
    const waits: string[] = [];
    const finish = async (): Promise<void> => {
      waits.push(sent);
      await appendFile(join(root, 'part-1'), ' a line\n');
      spool.files = [join(root, 'part-1'), join(root, 'part-2')];
    };
    for await (const chunk of spools.bytes(() => spool.files !== undefined, finish)) sent += chunk.toString();
    assert.equal(waits, ['a\nb\n']);
    assert.is(sent, 'a\nb\nhalf a line\n');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test.run();
