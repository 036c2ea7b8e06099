import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readPages, ROOT, type Page } from './pages.js';

const pages = readPages();

/** Anchors as GitHub makes them from headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title ?? '');
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks({ path, text }: Page): readonly string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '');
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    if (file === '') return !anchorsOf(text).has(anchor ?? '');
    const target = join(ROOT, dirname(path), file);
    if (!existsSync(target)) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
  });
}

test('every relative link leads to a file, and every anchor to a heading', () => {
  const broken = pages.flatMap((page) => brokenLinks(page).map((link) => `${page.path}: ${link}`));
  assert.equal(broken, []);
});

test('a broken link is found', () => {
  assert.equal(brokenLinks({ path: 'docs/x.md', text: '[a](gone.md) [b](guarantees.md#nothing) [c](guarantees.md#modes) [d](#here)\n# Here' }), [
    'gone.md',
    'guarantees.md#nothing',
  ]);
});

test('every page but the generated ones is reached from README, and none names a machine or an internal paper', () => {
  const internal =
    /\/(?:home|root|work|Users|tmp)\/|\bdecided(?:\.md)?[ -]\d|\b\w+-lab\b|architecture\.md [0-9]|localhost:\d|\b(?:10|192\.168)\.\d+\.\d+/;
  const named = pages.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => (internal.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
  assert.equal(named, []);
  const open = ['README.md'];
  const reached = new Set(open);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const text = pages.find((page) => page.path === path)?.text ?? '';
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s#]+)/g)) {
      const target = join(dirname(path), link);
      if (reached.has(target) || !pages.some((page) => page.path === target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  const lost = pages.map(({ path }) => path).filter((path) => !reached.has(path));
  assert.equal(lost, []);
});

test.run();
