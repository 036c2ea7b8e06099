import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installSource } from '../../scripts/install-source.js';
import { checkFilter, checkInput, checkParser } from '../../src/conformance/index.js';
import type { FilterPlugin, InputPlugin, ParserPlugin } from '../../src/core/spi/index.js';
import { ROOT } from './pages.js';

/** The plugins of the guide keep the contract. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-guide-')));
test.before(() => {
  cpSync(join(ROOT, 'examples/plugin'), folder, { recursive: true });
  installSource(folder);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function load<T>(name: string): Promise<T> {
  const module = (await import(pathToFileURL(join(folder, 'plugins', name)).href)) as { readonly default: T };
  return module.default;
}

test('the input', async () => {
  const checks = await checkInput(await load<InputPlugin>('pages.mjs'), [
    {
      title: 'two pages',
      config: { type: 'pages', folder: 'api' },
      async prepare(root) {
        await mkdir(join(root, 'api'), { recursive: true });
        await writeFile(join(root, 'api', 'page-1.json'), '[{"id": 1, "email": "a@b.c", "joined": "2026-01-01"}]');
        await writeFile(join(root, 'api', 'page-2.json'), '[{"id": 2, "email": null, "joined": "2026-01-02"}]');
      },
      rows: [
        ['1', 'a@b.c', '2026-01-01'],
        ['2', null, '2026-01-02'],
      ],
      state: { page: 2 },
    },
    { title: 'no folder', config: { type: 'pages', folder: 'gone' }, error: 'FILE_SYSTEM' },
  ]);
  assert.ok(checks.length > 3);
});

test('the filter', async () => {
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'mail', type: 'string' },
  ] as const;
  const checks = await checkFilter(await load<FilterPlugin>('domain.mjs'), [
    {
      title: 'domains',
      config: { type: 'domain', column: 'mail' },
      columns,
      rows: [
        ['1', 'ann@Example.com'],
        ['2', 'nobody'],
        ['3', null],
      ],
      expected: [
        ['1', 'ann@Example.com', 'example.com'],
        ['3', null, null],
      ],
      rejected: 1,
    },
    { title: 'a number', config: { type: 'domain', column: 'id' }, columns, rows: [], error: 'DOMAIN_COLUMN' },
  ]);
  assert.ok(checks.length > 3);
});

test('the parser', async () => {
  const checks = await checkParser(await load<ParserPlugin>('key-value.mjs'), [
    {
      title: 'logs',
      config: {
        type: 'key_value',
        columns: [
          { name: 'level', type: 'string' },
          { name: 'ms', type: 'long' },
        ],
      },
      files: { 'a.log': 'level=info ms=1\nno pairs\nms=2 level=\n' },
      rows: [
        ['info', '1'],
        ['', '2'],
      ],
      rejected: ['a.log:2'],
    },
  ]);
  assert.ok(checks.length > 3);
});

test.run();
