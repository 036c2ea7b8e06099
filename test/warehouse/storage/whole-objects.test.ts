import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError } from '../../../src/core/spi/index.js';
import { openLocalStorage } from '../../../src/warehouse/storage/local-storage.js';
import { claimStorage } from '../../../src/warehouse/storage/marker.js';

test('a new object is seen whole or not at all, and leaves nothing beside it', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sluice-storage-'));
  try {
    const storage = openLocalStorage(`file://${folder}`);
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'x');
    let writing = true;
    const written = storage.write(`file://${folder}/a`, bytes).finally(() => (writing = false));
    const sizes = new Set<number>();
    while (writing) {
      const seen = await fs.stat(join(folder, 'a')).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return undefined;
      });
      if (seen) sizes.add(seen.size);
    }
    await written;
    sizes.add((await fs.stat(join(folder, 'a'))).size);
    assert.equal([...sizes], [bytes.length]);
    assert.equal(await fs.readdir(folder), ['a']);
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});

test('of many writers of one name one wins, and the others are told', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sluice-storage-'));
  try {
    const storage = openLocalStorage(`file://${folder}`);
    const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => storage.write(`file://${folder}/a`, Buffer.from(String(i)))));
    const lost = answers.filter((a) => a.status === 'rejected').map((a) => a.reason as unknown);
    assert.is(lost.length, 19);
    assert.ok(lost.every((error) => error instanceof RemoteError && error.code === 'OBJECT_EXISTS'));
    assert.equal(await fs.readdir(folder), ['a']);
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});

test('many metastores claim one storage: one owns it', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'sluice-storage-'));
  try {
    const storage = openLocalStorage(`file://${folder}`);
    const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => claimStorage(storage, `metastore-${i}`)));
    assert.is(claims.filter(Boolean).length, 1);
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});

test.run();
