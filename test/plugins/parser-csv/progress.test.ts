import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteSearch } from '../../../src/plugins/shared/byte-search.js';
import { scanBytes } from '../../../src/plugins/shared/scan-bytes.js';
import { openLab } from './harness.js';

test('a pass over bytes tells the lines of each chunk as it goes, with and without the fast search', async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('1,a\n2,b\n3,');
    yield Buffer.from('c\n');
    yield Buffer.from('4');
  }
  for (const options of [{}, { search: new ByteSearch(64) }]) {
    const told: number[] = [];
    const facts = await scanBytes(chunks(), { ...options, onLines: (count) => told.push(count) });
    assert.equal(told, [2, 1, 0]);
    assert.is(facts.lf, 3);
  }
});

test('skipped lines of each file are no rows', async () => {
  const lab = await openLab();
  try {
    const files = [await lab.file('a note\nid\n1\n2\n'), await lab.file('another\nid\n3\n')];
    let told = 0;
    const progress = ({ rows = 0 }: { readonly rows?: number }): void => void (told += rows);
    const config = { type: 'csv', delimiter: ',', quote: '"', skip_header_lines: 2, columns: [{ name: 'id', type: 'long' }] };
    const { rows } = await lab.read(config, files, { progress });
    assert.equal([rows.length, told], [3, 3]);
  } finally {
    await lab.close();
  }
});

test.run();
