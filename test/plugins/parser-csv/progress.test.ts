import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteSearch } from '../../../src/plugins/shared/byte-search.js';
import { scanBytes } from '../../../src/plugins/shared/scan-bytes.js';

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

test.run();
